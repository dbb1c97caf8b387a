// Package flight is the flight recorder: it records everything that enters the
// core of a connection and replays it, bit for bit, on another core.
//
// The core is pure (see package core): its bytes in, its clock ticks, the calls
// of its driver and the random words of its mask keys decide all that it does.
// A recording holds these, in the order in which they came, and a digest of each
// answer. So a connection that failed in production, over TCP and after days,
// fails again in a test, in a millisecond, as often as one likes, and each step
// can be looked at.
//
// # Recording
//
// Put a [Recorder] into the Options of package websockets:
//
//	o := websockets.Strict()
//	o.Recorder = &flight.Recorder{Dir: "/var/lib/chat/flights", Redact: true}
//
// It writes a file for each connection that was open and then failed: see
// [End.Failed], and [Recorder.Keep] to choose others. Nothing is written before a
// connection has ended, and no connection waits for the disk; a process that dies
// takes its recordings with it. [Recorder.Dump] writes those of all connections
// that are up, for the one that fails in no way and only hangs.
//
// Those who drive cores of their own wrap them with [Record]; a [Flight] is a
// machine like another, that can be asked for its recording at any time.
//
// # Cost
//
// A connection that is recorded keeps its last part in memory: up to
// [Recorder.Limit] bytes, 256 KiB by default, of which an idle connection uses a
// dozen each time that its driver looks at it. At most [Recorder.MaxConns]
// connections, 1,024 by default, are recorded at a time; with both defaults all of
// them keep about 256 MiB. A call costs about 0.1 µs more, and what it takes to
// copy its data and to sum its output up; nothing is allocated once the memory has
// grown. Redact adds a second core, which does all of it again. Without a Recorder
// there is no cost.
//
// # Privacy
//
// A recording that is not redacted holds all that was sent and received:
// messages, cookies, tokens, and the address of the peer. Its file is readable
// by its owner only. Treat it as you treat the messages.
//
// Options.Redact and Recorder.Redact replace, before it is kept:
//
//   - the payload of every message, ping and pong, and the reasons of closes: text
//     by x, and bytes beyond ASCII by others of the same role in UTF-8, so that
//     text stays as valid as it was; everything else by x;
//   - the target and the host of the handshake, every subprotocol, the reason
//     phrase and the values of all header fields, but for a Content-Length, what
//     looks as a Sec-WebSocket-Key or -Accept does in these, and in Upgrade,
//     Connection, Sec-WebSocket-Version and -Extensions the tokens and small
//     numbers that handshakes have, such as permessage-deflate, and what is
//     between tokens;
//   - lines of a head that are malformed, but for their white space;
//   - the body of a refusal, Birth.Label, and what is known of the cause.
//
// What stays are times, lengths, the methods of HTTP, status codes, the names of
// header fields, whatever they are, opcodes, close codes, mask keys, which bytes are
// not ASCII, control characters in a head, and that two subprotocols are the same.
//
// A second core is fed with what is redacted, and that is what is recorded: the
// replay is exact all the same. Should it ever answer in another way than the real
// one, the recording ends there, and says so. What was replaced would be compressed to
// other lengths: Options of package websockets with compression and with Redact are not
// valid.
//
// # Replaying
//
// [Open] reads a file and [Recording.Replay] replays it. A test of an incident
// is as long as this:
//
//	r, err := flight.Open("testdata/incident.wsf")
//	if err != nil {
//		t.Fatal(err)
//	}
//	err = r.Replay(nil)
//
// The error is nil for as long as the core does what it did then, and a
// [*Divergence], with the step and both sides, once it does something else: after
// a fix at the step that it changes. The function that Replay is given looks at
// each [Step]: the call, the answer, the next deadline and why, the state.
//
// What a connection compresses is a matter of the compressor: replay such a recording
// with the version of klauspost/compress that made it, or the bytes that it puts out
// differ.
//
// # Bound
//
// When three eighths of the limit are full, the state of the machine is saved as a
// checkpoint, and what is older than the checkpoint before is dropped: a recording
// always ends with the last part of the flight. A single call with more data than
// an eighth of the limit, such as AppendMessage, is not kept: a checkpoint bridges
// the [Gap]. After the end of the input (a close frame, a failure) only the length
// is kept of what the peer still sends. The checkpoints of a handshake hold what has
// come of the head, up to Config.MaxHeadBytes each, those of a connection that
// compresses its windows, 8 KiB by default; these two come on top of the limit.
//
// # The file
//
// Version 1. Numbers are as in package encoding/binary: uvarint is an unsigned,
// varint a signed (zigzag) number in groups of seven bits, the lowest first. Bytes
// and texts are their length, a uvarint, and then themselves. crc is a CRC-32C
// (Castagnoli), 4 bytes, little-endian. Times are nanoseconds of the clock that the
// driver goes by.
//
//	file = 89 57 53 46 0D 0A 1A 0A  01  facts  record...  end
//
// The ninth byte is the version. facts are one bytes:
//
//	byte     1: redacted, 2: client, 4: the handshake was done elsewhere,
//	         8: the beginning is dropped, and the first record is a checkpoint,
//	         16: the connection may compress
//	varint   when the connection began, in ns since 1970 UTC
//	text     what recorded it
//	text     label
//	text     cause
//	varint   the time at birth
//	varint   11 times: PingInterval, PongTimeout, CloseTimeout, ConnectionTimeout,
//	         HandshakeTimeout (ns), MaxFrameSize, MaxMessageSize, MaxFragments,
//	         MaxControlRate, MaxHeadBytes, MaxHeadLines; -1 is off
//	byte     Pings: 0 by role, 1 answer, 2 drop
//	bytes    if the connection may compress: SendWindowBits, ReceiveWindowBits, 1 for
//	         NoSendTakeover plus 2 for NoReceiveTakeover plus 4 if the handshake was
//	         done elsewhere and agreed on compression, Level (a byte each), Threshold
//	         (varint); and what was agreed on: two sizes of windows and flags as above
//	text     Host of the request, then Target; empty but for a client's handshake
//	texts    Subprotocols: a uvarint, how many, and so many texts
//	fields   Header: a uvarint, how many, and so many names and values
//	words    drawn at birth: a uvarint, how many, and 4 bytes each, little-endian
//
// A record is a call:
//
//	byte     which: 1 Recv, 2 Recv of input that was thrown away, 3 RecvEOF, 4 Lost,
//	         5 Tick, 6 SetReading(true), 7 SetReading(false), 8 SetReadAhead(true),
//	         9 SetReadAhead(false), 10 Wrote, 11 AppendOutput, 12 AppendFragment,
//	         13 AppendMessage, 14 AppendHeader, 15 AppendPing, 16 AppendClose,
//	         17 Accept, 18 Reject; 19 and 20 see below
//	byte     flags: 1 time, 2 words, 4 event, 8 output, 16 error, 32 deadline,
//	         64 level, 128 Recv that took nothing of its input
//	time     varint: since that of the record before, or the birth
//	the arguments:
//	         1: a byte, the length of the scratch, or 255 and that as a uvarint, and
//	         bytes, the input that was taken
//	         2, 10: a varint, how many bytes
//	         12: opcode, fin (a byte each), payload (bytes)
//	         13: opcode, payload
//	         14: opcode, fin, length (varint)
//	         15: payload
//	         16: code (uvarint), reason (bytes)
//	         17: subprotocol (text), header (fields)
//	         18: status (varint), header (fields), body (bytes)
//	words    the entropy that the call drew, as above
//	event    kind, opcode, 1 if first plus 2 if last (a byte each), code (uvarint),
//	         the length of the data (uvarint), and if that is not 0 the crc of the data
//	output   its length (uvarint) and its crc
//	error    a byte: the core.Error with which the call was refused
//	deadline a byte, the core.Timer, and unless that is 0 a varint: since the time
//	level    a byte, the core.Transport, plus 128 while open; a byte, the core.Error
//
// Whatever the flags leave out is as in the record before; the first record behind
// the facts or a checkpoint has deadline and level. The replay of a Recv has the
// input that was taken and no more, and one byte of any value where nothing was
// taken; that of a 2 has as many bytes of any value.
//
//	checkpoint  byte 19, or 20 where a call before it is missing; varint: the time,
//	            not relative; bytes: the state, as core.Conn.AppendSnapshot writes it
//	end         byte 0; a byte: 0 all is there, 1 the limit was reached and the state
//	            could not be kept, 2 the redacted copy could not follow; the crc of
//	            the whole file before it
package flight
