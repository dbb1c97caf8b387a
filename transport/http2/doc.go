// Package http2 carries WebSockets over HTTP/2
// (https://www.rfc-editor.org/rfc/rfc8441): each takes one stream of a connection,
// beside other requests, and is opened by an extended CONNECT request in place of
// the handshake of RFC 6455.
//
// Package websockets does all this by itself. Use this package to prepare a
// server, or to open streams as a client by hand.
//
// # Servers
//
// The server is that of net/http. It tells its clients about WebSockets if package
// extendedconnect is imported; [ConfigureServer] gives it windows that suit them.
// [FromRequest] makes the stream of a request, a [HandlerStream].
//
// # Clients
//
// [NewConn] begins HTTP/2 on a connection, and finds out whether the server takes
// WebSockets. A server that does not may do so over HTTP/1.1, on another
// connection.
//
//	c, err := http2.NewConn(ctx, conn) // on which TLS has agreed on h2
//	if err != nil {
//		return err
//	}
//	if !c.Reserve() {
//		c.Abort()
//		return errNoRoom
//	}
//	stream, response, err := c.OpenStream(ctx, request)
//
// A [*Stream] is a [transport.Stream] without a goroutine of its own: a connection
// has one that reads, and one that writes while there is output. An idle stream
// holds no buffer; a connection holds those of its frames. Streams take turns to send, 16 KiB each time, and what they and
// the connection have to say leaves in one write.
//
// A connection does not outlive its streams: when the last one has ended, and
// nobody holds a place for another, it says goodbye (GOAWAY) and closes. Nothing
// lingers, and there is nothing to close but a Conn on which no place was ever held.
//
// # Slow readers
//
// A stream that nobody reads takes 256 KiB, [DefaultStreamWindow], and then holds up
// its server, but no other stream: the window of the connection is given back when
// bytes arrive, not when they are read. A stream whose server takes nothing holds
// up no other either.
//
// # Ends
//
// CloseWrite ends the output (END_STREAM). Close ends it too, and throws away what
// the server still sends until it has ended its output as well, for five seconds.
// Abort resets the stream. The server's RST_STREAM is [ErrAborted], but one with
// NO_ERROR is the end of the input, as is END_STREAM: that is how net/http ends a
// stream whose client has not. When the connection is lost, or the server ends it
// with an error, every stream gets that error after what it has received.
//
// What a server sends against the rules of RFC 9113 ends the stream, or the
// connection, as they say. Responses have headers of at most 32 KiB.
package http2
