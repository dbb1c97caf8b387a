package quic

import (
	"errors"
	"fmt"
	"io"
	"net"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// What the errors of a stream or a connection that the peer has ended match, with
// [errors.Is]. The errors of quic-go are found in them with [errors.As].
var (
	// ErrAborted: the peer aborted the stream, or the connection.
	ErrAborted = errors.New("quic: aborted by the peer")

	// ErrRefused: the peer, whose listener is closed, takes no more streams.
	ErrRefused = errors.New("quic: the peer takes no more streams")
)

// The codes with which streams are cancelled, in RESET_STREAM and STOP_SENDING
// (https://www.rfc-editor.org/rfc/rfc9000#section-20.2).
const (
	StreamUnread  quicgo.StreamErrorCode = 0 // the stream was closed: nobody reads what still comes
	StreamAborted quicgo.StreamErrorCode = 1 // by Abort
	StreamRefused quicgo.StreamErrorCode = 2 // opened after the listener was closed
)

// The codes with which connections are closed, in CONNECTION_CLOSE.
const (
	ConnClosed    quicgo.ApplicationErrorCode = 0 // in order: no stream was open
	ConnAborted   quicgo.ApplicationErrorCode = 1 // by Abort, with all streams
	ConnUnwelcome quicgo.ApplicationErrorCode = 2 // another protocol was agreed on
)

// errClosed is what this side gets from a connection or a listener that it has
// closed.
var errClosed = fmt.Errorf("quic: %w", net.ErrClosed)

// ended says what an error of quic-go means. The end of a stream stays io.EOF.
func ended(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	kind, local := kindOf(err)
	switch {
	case local:
		return errClosed
	case kind != nil:
		return &quicconn.EndError{What: kind.Error(), Kind: kind, Err: err}
	}
	return &quicconn.EndError{What: "quic", Err: err}
}

// kindOf returns what err matches, and whether it was this side that ended the
// stream or the connection.
func kindOf(err error) (kind error, local bool) {
	if s, ok := errors.AsType[*quicgo.StreamError](err); ok {
		return streamKinds[s.ErrorCode], !s.Remote
	}
	if c, ok := errors.AsType[*quicgo.ApplicationError](err); ok {
		return connKinds[c.ErrorCode], !c.Remote
	}
	return nil, errors.Is(err, quicgo.ErrServerClosed)
}

var (
	streamKinds = map[quicgo.StreamErrorCode]error{StreamAborted: ErrAborted, StreamRefused: ErrRefused}
	connKinds   = map[quicgo.ApplicationErrorCode]error{ConnAborted: ErrAborted}
)
