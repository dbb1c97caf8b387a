package transport

import "errors"

// A Stream is an ordered, reliable byte stream: the carrier of one WebSocket
// connection. Package transport/tcp makes them of sockets, transport/pipe of
// memory, and [NewPump] of anything that has blocking Read and Write.
//
// The driver calls the reading methods (TryRead, AwaitRead) from one goroutine
// at a time, and the writing methods (TryWrite, AwaitWrite, CloseWrite) from
// one goroutine at a time; both sides run at once. Readable, KickRead,
// KickWrite, Close and Abort may be called from any goroutine at any moment.
//
// A Stream never keeps a slice that it was given.
type Stream interface {
	// TryRead reads what is there into p without waiting. It returns
	// [ErrWouldBlock] when nothing is, and [io.EOF] after the last byte the
	// peer sent. n > 0 comes with a nil error. p is never empty.
	TryRead(p []byte) (n int, err error)

	// AwaitRead waits until there is input and reads it into a buffer that
	// it borrows only then, so that a connection that waits holds none. It
	// returns [ErrKicked] when KickRead woke it, [io.EOF] at the end of the
	// input. The buffer stays borrowed when n > 0 and has been returned in
	// every other case.
	AwaitRead(l Lender) (n int, err error)

	// Readable reports, without waiting, whether TryRead would return
	// something other than ErrWouldBlock. It may be called while another
	// goroutine waits in AwaitRead, and may report false in error only if
	// that goroutine is about to return. A carrier with records, such as TLS,
	// may report true for a part of one until the next read that would block.
	Readable() bool

	// KickRead makes the AwaitRead that waits now, or else the next one,
	// return ErrKicked; it harms nothing else, and no byte is lost. A
	// TryRead between may swallow the kick.
	KickRead()

	// TryWrite writes as much of p as the carrier takes without waiting and
	// returns how much that was. n < len(p) comes with [ErrWouldBlock] or
	// the error that ended the stream. After ErrWouldBlock the next call
	// must begin with the same bytes p[n:]; more may follow them. (A
	// carrier that encrypts has them encrypted already.)
	TryWrite(p []byte) (n int, err error)

	// AwaitWrite waits until TryWrite can make progress. It returns
	// ErrKicked when KickWrite woke it.
	AwaitWrite() error

	// KickWrite makes the AwaitWrite that waits now, or else the next one,
	// return ErrKicked; it harms nothing else. A TryWrite between may
	// swallow the kick.
	KickWrite()

	// CloseWrite ends the output: the peer reads end of file after the last
	// byte. A carrier that cannot close one direction alone returns
	// [errors.ErrUnsupported] and changes nothing.
	CloseWrite() error

	// Close releases the carrier; what TryWrite accepted still goes out.
	// Every call that waits returns an error. It does not block. From then on
	// whatever can fail does, with an error that wraps [net.ErrClosed], but
	// Close and Abort may be called again.
	Close() error

	// Abort releases the carrier and gives up what has not been sent (on
	// TCP: a reset). Every call that waits returns an error. It does not
	// block.
	Abort() error
}

// A Lender lends one buffer at a time to AwaitRead.
type Lender interface {
	// Borrow returns a buffer of at least one byte. It must not wait for
	// whoever calls Close or Abort, which may wait for it.
	Borrow() []byte

	// Return takes back the buffer that Borrow returned.
	Return()
}

// What the waiting and trying methods of a [Stream] return besides io.EOF and
// the carrier's own errors.
var (
	// ErrWouldBlock: nothing can be read or written without waiting.
	ErrWouldBlock = errors.New("transport: the stream would block")

	// ErrKicked: the wait was ended by KickRead or KickWrite.
	ErrKicked = errors.New("transport: the wait was kicked")
)
