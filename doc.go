// Package websockets is WebSocket (RFC 6455) for Go: one pure state machine,
// every transport, time under your control.
//
// # A server
//
// [Handle] makes an [http.Handler] that calls a function for each connection
// and always closes the connection afterwards:
//
//	http.Handle("/echo", websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
//		for {
//			typ, p, err := c.Receive(ctx)
//			if err != nil {
//				return err
//			}
//			if err := c.Send(ctx, typ, p); err != nil {
//				return err
//			}
//		}
//	}, websockets.Strict()))
//
// [Accept] takes over a connection from any HTTP handler, and a [Server] also
// shuts its connections down.
//
// # A client
//
//	c, err := websockets.Dial(ctx, "wss://example.com/echo", websockets.Strict())
//	if err != nil {
//		return err
//	}
//	defer c.CloseNow()
//	...
//	return c.Close(websockets.NormalClosure, "")
//
// # Safe options
//
// [Strict] is for the open internet. Without it a server accepts requests of
// every origin and drops pings, as the library that this one descends from
// does; the first time that each of this happens by default is logged.
//
// # What is taken care of
//
// Pings are sent and answered, and silent peers cut, whether or not the
// application is in Receive. Any method may be called from any goroutine. A
// context bounds a wait and never harms the connection. Memory is bounded: a
// slow reader slows its senders, and nothing is allocated because a peer
// declared a length. What a connection returns is an [Error] with a [Kind]; what
// Accept and Dial return is a [HandshakeError], with the status and the response.
//
// # Other transports, other clocks
//
// [Server.AcceptStream] and [Dialer.DialStream] work on any
// [github.com/fb1e3c20/websockets/transport.Stream]; package transport/pipe has
// one in memory, for tests. Options.Clock takes a fake clock. The protocol
// itself, without I/O, is package core.
package websockets
