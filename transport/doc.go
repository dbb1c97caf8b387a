// Package transport carries WebSocket connections over byte streams: it marries
// the protocol core ([github.com/fb1e3c20/websockets/core]) with a stream and a
// clock.
//
// Most programs want package websockets, which does this for them over TCP.
// Use this package to embed WebSocket over a carrier of your own: a serial
// line, a multiplexed tunnel, shared memory, a test. What you bring is a
// [Stream]; what you get is a [Conn], with the whole of RFC 6455 on it.
//
// # The carrier
//
// A [Stream] is an ordered, reliable stream of bytes that can be tried and
// awaited in each direction, kicked out of a wait, half-closed, closed and
// aborted. There are three ways to one:
//
//   - Package transport/tcp makes them of sockets, with or without TLS, and
//     package transport/pipe of memory, for tests.
//   - [NewPump] makes one of anything that has blocking Read and Write, at the
//     price of goroutines.
//   - Implement the interface. Package transport/streamtest checks an
//     implementation sentence by sentence.
//
// One that can be waited for without a goroutine is a [Polled] too, as those of a
// tcp.Poller and of transport/pipe are.
//
// Deadlines of the carrier are never used to cancel a call: on TLS and HTTP/2
// a deadline that passed ends the connection, or the ability to write, for good.
//
// # A connection
//
// [NewConn] takes a [Machine], a Stream and an [Attendant]. The machine is a
// core.Conn: made with core.NewServer or core.NewClient it does the HTTP/1.1
// handshake on the stream, made with core.NewOpen it starts with frames because
// the handshake was done elsewhere.
//
// A server whose machine does the handshake calls [Conn.AwaitRequest], looks at
// the request, and calls [Conn.Accept] or [Conn.Reject]. A client calls
// [Conn.AwaitOpen]. Frames that come with the handshake are kept in order.
// Before that Receive and Send return core.ErrNotOpen.
//
// # Who reads
//
// The goroutine that calls [Conn.Receive] reads, parses and answers control
// frames on the way. No goroutine belongs to a connection that is idle or being
// read, and no buffer to one that is idle: buffers are borrowed when there is
// something to put into them. One goroutine exists for as long as output waits:
// because the carrier stalls, or because senders bring more than it takes.
//
// A context given to Receive, [Conn.Send] or [Conn.Ping] bounds the wait of that
// call. When it ends, nothing else does: the connection goes on, a message of
// which a part has come is completed by the next Receive, and a frame of which a
// part was written is completed.
//
// [Conn.Deliver] is the other way: in place of Receive a [Sink] is called with each
// message. Over a [Polled] stream no goroutine waits then. Deliver reads what is there and
// leaves the rest to the poller of the stream, whose goroutines call the Sink when more
// comes. Over any other stream, or if the [DeliverOptions] say so, Deliver is a loop that
// returns when the connection has ended. What came together is parsed together, up to 64
// messages at a time, if the Machine is a [Batcher].
//
// A Sink may take its time: meanwhile control frames are answered as when nobody reads,
// see below. It may call every method of the Conn, but nothing comes to Receive.
//
// # Streaming
//
// [Conn.Reader] and [Conn.Writer] read and write one message piece by piece. While
// one is open, others wait to receive, or to send messages, but the connection
// goes on: control frames pass, and Close is heard. Each is a value that stands
// for one message alone, so a stale one can do no harm. A message that was begun
// and is not completed ends the connection, with 1011.
//
// # When nobody reads
//
// An application that is busy with a message does not read. The [Attendant],
// which the connections of a listener or a dialer share, then looks after the
// connection every 500 milliseconds: it reads ahead, answers pings, notices
// closes and keeps up to 64 KiB of messages (and as much that is not parsed
// yet). So a handler that takes long does not lose a peer that is alive, and a
// peer that is dead is noticed. Beyond that bound the connection does not read:
// the carrier's own flow control holds the peer back, and its silence is not
// held against it. A close frame that was read ahead is answered when the
// messages before it have been received, or at the close timeout; an application
// that only sends calls [Conn.Discard].
//
// An Attendant has no goroutine, and no timer runs for it while there is nothing
// to look after. Make one for each clock: one of a testing/synctest bubble
// serves the connections of that bubble.
//
// # Writing and backpressure
//
// Send appends a small message to a queue and writes what it can without
// waiting; whoever writes takes along what others have queued, and the replies
// to messages that came in one read leave in one write, at the latest a
// millisecond after they were sent. When the carrier takes no more, up to 64 KiB
// wait behind what is being written; then Send waits, which is how a slow peer
// slows its senders down. On a server, messages of 32 KiB and more are written
// from the caller's memory, and Send waits until they are written.
//
// Frames never mix, whoever sends. Messages of one goroutine keep their order.
// Of the pings that come while output is blocked only the latest is answered
// (RFC 6455 section 5.5.3), so that a flood of them costs no memory.
//
// A peer that takes no output for the connection timeout is cut
// (core.ErrWriteTimeout), even if it goes on sending.
//
// # Closing
//
// [Conn.Close] does the closing handshake of RFC 6455 section 7 and returns when
// the carrier has been released, within the close timeout whatever the peer
// does. Messages that come meanwhile can still be received.
//
// After a close frame, also one that answers a violation, the side that may
// close the carrier first ends its output and reads on until the peer has ended
// too: closing at once would make TCP send a reset, which can destroy the close
// frame before the peer reads it. A carrier that cannot end its output alone is
// closed when both sides have sent their close frames. A connection that has ended is brought to the
// release of its carrier even if nobody calls Close: by the attendant.
// [Conn.CloseNow] gives up the carrier at once.
//
// # Errors
//
// Every error that is not the context's tells how the connection ended, the same
// for all callers and for [Conn.Err]; or it is misuse, an error of package core
// with core.KindMisuse, and nothing has changed.
//
//   - [*CloseError]: the peer sent a close frame, first or as an answer.
//   - [*LostError]: the carrier broke or ended without one. It unwraps to the
//     carrier's own error.
//   - A core.Error: the peer broke the protocol, a timer ran out, or the
//     handshake failed.
//   - [ErrClosed]: this side gave up.
//   - Any other error: that of a machine that failed by itself, a [Failer].
//
// When writing fails, sending ends with a LostError; how the connection ended is
// for reading to say, since a close frame of the peer may still be there. What
// was received before the end is delivered before the error.
//
// # Concurrency
//
// All methods of Conn and Attendant may be called from any goroutine at any
// time. Several calls of Receive take turns and get whole messages each. A
// [Machine] is called by one goroutine at a time, and a Stream as its
// documentation says.
package transport
