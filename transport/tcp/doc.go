// Package tcp makes byte streams of sockets, plain or with TLS: dialled,
// accepted, or taken over from net/http or a proxy.
//
//	stream, err := tcp.Dial(ctx, "tcp", "example.com:80")
//	stream, err := tcp.DialTLS(ctx, "tcp", "example.com:443", nil)
//	stream, err := tcp.Client(ctx, conn, config) // TLS over an open connection
//
//	listener, err := tcp.Listen("tcp", ":8080")
//	stream, err := listener.Accept()
//
//	stream, err := tcp.FromConn(conn, buffered) // after http.Hijacker.Hijack
//
//	poller, err := tcp.NewPoller(0) // on Linux: no goroutine waits
//	stream, err := poller.Accept(listener) // or AcceptEach, to have it call a function
//	stream, err := poller.Adopt(conn, buffered)
//
// A [*Stream] is a [transport.Stream], made for the driver in package transport.
//
// # Waiting
//
// On Unix systems a stream works on the descriptor of the socket. A connection
// that waits for input costs its goroutine and holds no buffer: one is borrowed
// when there is something to read. Reading and writing allocate nothing. On Linux calls
// of up to 64 KiB are made without telling Go's scheduler: they do not block. On
// other systems, and over connections that are not sockets, a stream is a
// [transport.NewPump], which has a goroutine of its own.
//
// AwaitWrite learns whether there is room by sending one byte, the next one that
// the caller has to write; TryWrite counts it then. So a stream that is closed
// after AwaitWrite has told of room may have sent one byte that TryWrite never
// reported.
//
// # A poller
//
// On Linux a [Poller] waits for many sockets at once, with epoll and without package
// net's poller: an idle one has neither a goroutine nor a buffer. Its streams are
// [transport.Polled]: whoever waits for one is called. Their AwaitWrite sends no byte.
//
// One goroutine of a loop, its
// leader, calls them one after the other, for as long as each returns soon. A watch
// looks every 4 ms, while the loop has something to do: when it finds the leader in the
// same call for the second time, another goroutine leads, and the one before belongs to
// that call. For a thousand looks after such a case it looks each millisecond. So a call that does
// not return delays others by 4 to 8 ms, or 1 to 2. Where several do not return, the
// leader has each call made by a goroutine of its own, until they return soon again.
//
// On other systems NewPoller returns [ErrNoPoller]. Sockets with TLS, and what is no
// TCP socket, become streams as without a Poller.
//
// # TLS
//
// The handshake of an accepted connection runs in a goroutine of its own, for
// at most ten seconds, while Accept goes on to the next connection. Until it is
// over TryRead and TryWrite would block, and AwaitRead and AwaitWrite wait for
// it; if it fails they return its error. [Stream.Handshake] waits for it alone.
//
// TryWrite has written a byte when its record was handed to the system as a
// whole. Readable may also be true when there is only a part of a record, or one
// of TLS's own messages, or when a read has filled its buffer to the last byte;
// a read that would block settles it.
//
// CloseWrite sends close_notify and then ends the output of the socket
// (https://www.rfc-editor.org/rfc/rfc8446#section-6.1). Renegotiation is refused.
// ALPN offers http/1.1 (https://www.rfc-editor.org/rfc/rfc7301#section-6) where the
// configuration names no protocol.
//
// A connection that waits holds no buffer of this package; a plain one keeps
// about 650 bytes, its socket included. crypto/tls keeps what the largest record
// it has received took: after 16 KiB each way an end keeps 16 KiB in all. It also
// allocates 24 bytes, two or three times, for every read that waits. (Measured
// with Go 1.26.)
package tcp
