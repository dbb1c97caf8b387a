// Package core is the WebSocket protocol (RFC 6455) as a pure state machine:
// bytes and clock ticks in, bytes and events out.
//
// A [Conn] does no I/O, reads no clock, starts no goroutine and draws no random
// number: time is an argument, entropy is [Config.Entropy], input is what the
// caller passes to [Conn.Recv], and output is appended to the caller's buffer.
// The same calls give the same results, bit for bit, natively and in
// WebAssembly. That is what lets one implementation serve every transport, and
// lets a simulator replay years of timeouts in a second.
//
// Most programs want package websockets, which drives a Conn over real
// transports. Use this package to embed WebSocket in an event loop, a
// transport or a simulation of your own.
//
// # Driving a Conn
//
// Make [Settings] once, and a Conn for each connection: [NewServer] or
// [NewClient] with the HTTP/1.1 handshake, [NewOpen] where the handshake was
// done elsewhere. Then repeat, in any order that suits the transport:
//
//   - Input has come: call [Conn.Recv] until it reports no event.
//   - The transport's input has ended: call [Conn.RecvEOF]. It broke:
//     [Conn.Lost].
//   - After each of these: write what [Conn.AppendOutput] appends, and tell
//     [Conn.Wrote] how far writing came.
//   - Look at [Conn.Transport]: it says when to end the output, close or abort.
//   - Ask [Conn.Deadline] when to call [Conn.Tick], and why.
//
// Messages are sent with [Conn.AppendMessage], [Conn.AppendFragment] or, to
// write a payload from where it lies, [Conn.AppendHeader]; the closing
// handshake begins with [Conn.AppendClose].
//
// By default a server reports pings and drops them, as [Config.Pings] says: set
// [PingAnswer] for what RFC 6455 wants.
//
// # Messages come in chunks
//
// [EventMessage] reports the part of a message that has come, at once, in the
// memory of the input: nothing is copied and nothing is allocated because a
// peer declared a length. An [Assembler] joins chunks for those who want whole
// messages; a message that came in one piece is not copied there either.
//
// # Time
//
// A Conn owns all timers of the protocol: handshake, ping, pong, close,
// silence of the peer, and output that the peer does not take. Ticks may come
// early, late or twice, and time that runs backwards is clamped. Whoever finds
// a verdict on a peer's liveness more than a second overdue (a machine that was
// suspended) gets one short grace, with a ping, in its place; a ping found that
// late comes with the same grace.
//
// # Holding back
//
// Not calling Recv holds the peer back. Tell [Conn.SetReading] of it: the
// peer's silence then proves nothing and is not judged, only whether it takes
// our output. A caller that reads ahead of its application, to answer pings
// while that is busy, says so with [Conn.SetReadAhead]; the answer to a close
// frame then waits until the application has seen what came before it.
//
// Output needs no queue of the core's own. One pong at most is pending, and
// only while writing is blocked does a newer ping replace it.
//
// # Closing
//
// [Conn.AppendClose] begins the closing handshake; the peer's close frame is
// answered by itself, and so is a violation. From then on Transport rises from
// [TransportOpen] over [TransportHalfClose] and [TransportClose] to
// [TransportAbort], never back: half-close first, so that a reset does not eat
// the close frame, and close once the peer has ended too or the close timeout
// is over.
//
// # Memory
//
// A Conn is one allocation of at most 128 bytes, and another of 144 once a frame's header,
// a ping or a close has come in pieces, or a ping with a payload that it answers; the handshake's head apart,
// which is released when the connection is open. After that nothing is
// allocated, except where an Append method outgrows the buffer it was given, and
// for a connection that compresses its windows: see [Compression].
//
// # Errors
//
// Misuse returns an [Error] of [KindMisuse] and changes nothing. What the peer
// does wrong becomes a close frame with the right code, an [EventFailed] and
// [Conn.Err].
package core
