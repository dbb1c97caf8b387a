package http3

import (
	"errors"
	"fmt"
	"io"
	"net"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport/internal/quicconn"
)

// What errors match, with [errors.Is]. Those of quic-go are found in them with
// [errors.As].
var (
	// ErrAborted: the peer aborted the stream, or the connection with it.
	ErrAborted = errors.New("http3: aborted by the peer")

	// ErrRefused: the server did not look at the request, because it goes away or
	// has too many (https://www.rfc-editor.org/rfc/rfc9114#section-8.1).
	ErrRefused = errors.New("http3: the server refused the request")

	// ErrNoExtendedConnect: the server takes no WebSockets over HTTP/3; its settings
	// do not say so (https://www.rfc-editor.org/rfc/rfc9220#section-3).
	ErrNoExtendedConnect = errors.New("http3: the server takes no WebSockets: its settings lack ENABLE_CONNECT_PROTOCOL")
)

// The codes with which streams and connections are ended
// (https://www.rfc-editor.org/rfc/rfc9114#section-8.1).
const (
	streamUnread    = quicgo.StreamErrorCode(h3.ErrCodeNoError)         // closed: nobody reads what still comes
	streamCancelled = quicgo.StreamErrorCode(h3.ErrCodeRequestCanceled) // aborted
	connClosed      = quicgo.ApplicationErrorCode(h3.ErrCodeNoError)    // in order: no stream was open
)

// errClosed is what this side gets from a stream that it has closed.
var errClosed = fmt.Errorf("http3: %w", net.ErrClosed)

// ended says what an error of quic-go means. The end of a stream stays io.EOF.
func ended(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	kind := kindOf(err)
	switch kind {
	case net.ErrClosed:
		return errClosed
	case nil:
		return &quicconn.EndError{What: "http3", Err: err}
	}
	return &quicconn.EndError{What: kind.Error(), Kind: kind, Err: err}
}

// kindOf returns what err matches: net.ErrClosed if this side ended the stream or
// the connection in order, nil if it was for another reason.
func kindOf(err error) error {
	if s, ok := errors.AsType[*quicgo.StreamError](err); ok {
		return streamKind(s)
	}
	if c, ok := errors.AsType[*quicgo.ApplicationError](err); ok {
		return connKind(c)
	}
	if errors.Is(err, quicgo.ErrServerClosed) || errors.Is(err, quicgo.ErrStreamClosed) {
		return net.ErrClosed
	}
	return nil
}

func streamKind(e *quicgo.StreamError) error {
	switch {
	case !e.Remote && (e.ErrorCode == streamCancelled || e.ErrorCode == streamUnread):
		return net.ErrClosed
	case !e.Remote || e.ErrorCode == streamUnread:
		return nil
	case e.ErrorCode == quicgo.StreamErrorCode(h3.ErrCodeRequestRejected):
		return ErrRefused
	}
	return ErrAborted
}

func connKind(e *quicgo.ApplicationError) error {
	switch {
	case e.Remote:
		return ErrAborted
	case e.ErrorCode == connClosed:
		return net.ErrClosed
	}
	return nil // the peer broke the protocol
}
