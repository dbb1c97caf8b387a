package transport

import (
	"errors"
	"fmt"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// ErrClosed: the connection was closed by this side with [Conn.CloseNow], or
// closed before its handshake was done.
var ErrClosed = errors.New("websocket: the connection is closed")

// ErrDelivering: [Conn.Deliver] gives the messages to its Sink, so nobody else receives any.
var ErrDelivering = errors.New("websocket: messages go to the event handler, and cannot be received")

// What is read and written after its end.
var (
	// ErrReaderClosed: the Reader was closed, or another one made since.
	ErrReaderClosed = errors.New("websocket: the Reader is closed")

	// ErrWriterClosed: the Writer is closed.
	ErrWriterClosed = errors.New("websocket: the Writer is closed")
)

// A TurnError is the error of a context for who waited behind a Reader or a
// Writer, perhaps one that was forgotten.
type TurnError struct {
	By  string // what has the turn
	Err error  // of the context
}

func (e *TurnError) Error() string { return "websocket: " + e.By + ": " + e.Err.Error() }

func (e *TurnError) Unwrap() error { return e.Err }

// A CloseError is how a connection ended that was closed with a close frame of
// the peer.
type CloseError struct {
	Code   frame.CloseCode // the peer's; [frame.NoStatus] when it sent none
	Reason string          // the peer's, valid UTF-8, at most 123 bytes
	Local  bool            // this side closed first; the peer answered

	// Incomplete: the peer closed within a message, of which a part has come.
	Incomplete bool
}

func (e *CloseError) Error() string {
	side := "closed by the peer"
	if e.Local {
		side = "closed by us, answered"
	}
	if e.Incomplete {
		side += " within a message"
	}
	if e.Reason == "" {
		return fmt.Sprintf("websocket: %s: %v", side, e.Code)
	}
	return fmt.Sprintf("websocket: %s: %v: %q", side, e.Code, e.Reason)
}

// A LostError is how a connection ended whose transport broke or ended without
// a close frame (RFC 6455 code 1006). errors.Is finds [core.ErrLost] or
// [core.ErrHandshakeLost] in it, and the carrier's own error.
type LostError struct {
	Core core.Error // ErrLost or ErrHandshakeLost
	Err  error      // what the carrier said; io.ErrUnexpectedEOF for a plain end
}

func (e *LostError) Error() string { return e.Core.Error() + ": " + e.Err.Error() }

func (e *LostError) Unwrap() []error { return []error{e.Core, e.Err} }
