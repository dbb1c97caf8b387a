// Package quic makes byte streams of QUIC (https://www.rfc-editor.org/rfc/rfc9000):
// each bidirectional stream of a connection carries one WebSocket, opening
// handshake of RFC 6455 included, as a TCP connection would.
//
//	listener, err := quic.Listen(":4433", serverTLS, nil)
//	err = server.Serve(listener) // a websockets.Server
//
//	conn, err := quic.Dial(ctx, "example.com:4433", clientTLS, nil)
//	stream, err := conn.OpenStream(ctx) // as many as one likes
//	c, err := dialer.DialStream(ctx, stream, "wss://example.com/chat")
//
//	stream, err := quic.DialStream(ctx, "example.com:4433", clientTLS, nil) // one
//
// Or a [Dialer] does all that for a websockets.Dialer:
//
//	options := &websockets.Options{Carrier: &quic.Dialer{}, TLSConfig: clientTLS}
//	c, err := websockets.Dial(ctx, "wss://example.com:4433/chat", options)
//
// A packet that is lost holds up its own socket and no other of the connection.
// This is no standard: both ends must agree on it, which is what [ALPN] is for.
// Browsers speak WebSocket over HTTP/3 instead; see package transport/http3.
//
// A [*Stream] is a [transport.Stream], made for the driver in package transport:
// a [transport.NewPump], since quic-go has no way to read without waiting (after a
// deadline it does not even look). While it waits for input it costs one
// goroutine and the 512 bytes of its buffer; an idle WebSocket takes 13 KiB or so
// on each side, in all.
//
// # Staying alive
//
// A connection whose sockets are idle lives: each end asks for a sign of life
// after 15 seconds of silence, and loses the connection after a minute of it. See
// [Config]. The timers of each WebSocket go on by themselves, so whichever of the
// two is first tells of a dead peer. When the address of an end changes, quic-go
// moves the connection along; to move one deliberately, use [Conn.QUIC].
//
// # Slow readers
//
// A socket that is not read holds at most its stream's window, half a mebibyte.
// The window of the connection is larger than those of all its streams, so such
// sockets hold up no other, however many they are. Both are in [Config], and bound
// what a peer can make us hold.
//
// # Ends
//
// CloseWrite ends the output (FIN). Close ends it too, and throws away what the
// peer still sends until the peer has ended its output as well, for five
// seconds, and then tells it to stop ([StreamUnread]). Abort resets both directions
// ([StreamAborted]), but does not take back output that was ended in order. The
// peer's stream fails with an error that matches [ErrAborted].
//
// Whoever closes a QUIC connection destroys what the other end has not read. So
// [Conn.Close] and [Listener.Close] let every stream end in both directions first,
// and a few round trips pass for the last packets to arrive, in which a peer that
// ended its output before must have read ours. (WebSocket's closing handshake sees
// to that.) [Conn.Abort] and [Listener.Abort] do not wait.
//
// # 0-RTT
//
// Is refused by listeners and not tried by Dial, whatever the configuration says:
// whoever copies such packets can have a server act on them a second time
// (https://www.rfc-editor.org/rfc/rfc8446#section-8), and neither the request that
// opens a WebSocket nor the messages after it are safe to repeat.
package quic
