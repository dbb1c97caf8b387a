// Package websockets is WebSocket (RFC 6455) for Go: one pure state machine,
// every transport, time under your control.
//
// # A server
//
// [Handle] makes an [http.Handler] that calls a function for each connection
// and always closes the connection afterwards:
//
//	http.Handle("/echo", websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
//		for m, err := range c.Messages(ctx) {
//			if err != nil {
//				return err
//			}
//			if err := c.Send(ctx, m.Type, m.Data); err != nil {
//				return err
//			}
//		}
//		return nil
//	}, websockets.Strict()))
//
// [HandleConcurrent] works on several messages of a connection at a time,
// [HandleEvents] calls methods when a connection opens, for each message, and
// when it has closed. [Accept] takes over a connection from any HTTP handler.
// [Server.ListenAndServe] and [Server.Serve] need no net/http, and
// [Server.Shutdown] says good-bye to all connections.
//
// # Many idle connections
//
// A connection of [HandleEvents] keeps nothing on a stack while it is idle. With
// [Evented] as Options.Driver it has no goroutine either, on Linux over TCP without
// TLS, and with Options.LendMessages messages are not allocated.
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
// TLS, header fields, subprotocols, cookies, redirects and proxies are [Options].
//
// # HTTP/1.1, HTTP/2, HTTP/3
//
// Handlers take requests of all three. For HTTP/2 on net/http the program imports
// package transport/http2/extendedconnect, and servers are prepared by ConfigureServer
// of package transport/http2; for HTTP/3 by that of package transport/http3. Clients
// choose by Options.HTTP and Options.Carrier; those of one [Dialer] share their
// connections. docs/carriers.md tells how the carriers differ.
//
// # Messages
//
// [Conn.Receive] and [Conn.Send] take whole messages, [Conn.Messages] loops over
// them, and [Conn.ReceiveInto] uses the caller's memory again. [Conn.Reader] and
// [Conn.Writer] stream one that need not fit in memory, [Conn.SendPrepared]
// sends one on many connections, [Conn.ReceiveJSON] and [Conn.SendJSON] are for
// values, and [NetConn] is for protocols that want a [net.Conn].
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
// declared a length.
//
// # Errors
//
// What a connection returns is an [*Error] with a [Kind], for errors.Is; or the
// error of the context that was given. It also tells the code and reason of the
// close frame, and whose it was; [CloseStatus] is short for the code. What Accept
// and Dial return is a [*HandshakeError], with the status and the response.
//
// # Other transports, other clocks
//
// [Server.AcceptStream] and [Dialer.DialStream] work on any
// [github.com/fb1e3c20/websockets/transport.Stream]; package transport/pipe has
// one in memory, for tests. Options.Clock takes a fake clock. The protocol
// itself, without I/O, is package core.
package websockets
