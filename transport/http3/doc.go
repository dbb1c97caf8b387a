// Package http3 carries WebSockets over HTTP/3, as browsers do
// (https://www.rfc-editor.org/rfc/rfc9220): each is a stream of a connection that has
// other streams too, and a packet that is lost holds up its own stream alone. It
// works on the http3 package of quic-go.
//
// A server:
//
//	ws := websockets.Handle(echo, websockets.Strict())
//	server := &h3.Server{Addr: ":443", TLSConfig: config, Handler: ws} // h3 is github.com/quic-go/quic-go/http3
//	http3.ConfigureServer(server)
//	err := server.ListenAndServe()
//
// Browsers learn of it by the Alt-Svc header field that the same origin sends over
// TCP; see the method SetQUICHeaders of the server.
//
// A client:
//
//	dialer := &websockets.Dialer{Options: &websockets.Options{Carrier: &http3.Dialer{}}}
//	c, err := dialer.Dial(ctx, "wss://example.com/chat")
//
// A [*Stream] is a [transport.Stream]: a [transport.NewPump], since quic-go has no way
// to read without waiting. While it waits for input it costs one goroutine and the 512
// bytes of its buffer.
//
// # Staying alive, slow readers
//
// Both are as in package transport/quic, whose defaults the connections of a
// [Dialer] have, and those of a server after [ConfigureServer]: 15 seconds of silence
// until a sign of life is asked for, a minute until a connection is lost; half a
// mebibyte of window for each stream, and more than all of them for a connection. A server that
// was not configured so works too, with quic-go's own settings: its connections are
// lost after 30 seconds of silence, and its handlers stay for as long as
// their sockets live.
//
// # Ends
//
// CloseWrite ends the output (FIN). Close ends it too, and throws away what the
// peer still sends until the peer has ended its output as well, for five seconds;
// then it tells the peer to stop, with H3_NO_ERROR. Abort resets both directions with
// H3_REQUEST_CANCELLED, but does not take back output that was ended in order. A
// stream that the peer resets, with whatever code, fails with an error that matches
// [ErrAborted], and so does one whose connection the peer closes.
//
// The method Shutdown of a server stops new requests and waits for the open sockets;
// close them first, by Shutdown of the websockets.Server. Its Close cuts them.
//
// # 0-RTT
//
// Is off: whoever copies such packets can have a server act on them a second time
// (https://www.rfc-editor.org/rfc/rfc8446#section-8).
package http3
