package http2

import (
	"errors"
	"fmt"
	"net"

	h2 "golang.org/x/net/http2"
)

// What the errors of a [Conn] and its streams match, with [errors.Is].
var (
	// ErrNoExtendedConnect: the server does not take WebSockets over HTTP/2
	// (https://www.rfc-editor.org/rfc/rfc8441#section-3), or answers a request with
	// HTTP_1_1_REQUIRED. It may take them over HTTP/1.1.
	ErrNoExtendedConnect = errors.New("http2: the server takes no WebSockets")

	// ErrRefused: the server has not seen the request, or not looked at it
	// (https://www.rfc-editor.org/rfc/rfc9113#section-8.7). It is safe to make it
	// again on another connection.
	ErrRefused = errors.New("http2: the request was not processed")

	// ErrAborted: the server reset the stream.
	ErrAborted = errors.New("http2: aborted by the server")
)

// errClosed is what this side gets from what it has closed.
var errClosed = fmt.Errorf("http2: %w", net.ErrClosed)

var (
	errNotOffered = &failure{ErrNoExtendedConnect, errors.New("it does not offer extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL)")}
	errGoneAway   = errors.New("the server is shutting down")
	errWriteEnded = errors.New("http2: write after CloseWrite")
	errNoPlace    = errors.New("http2: OpenStream without a place: call Reserve before")
)

// A failure is why a stream or a connection ended, or never came to be.
type failure struct {
	kind error // one of the above
	err  error // how it came to that
}

func (e *failure) Error() string { return e.kind.Error() + ": " + e.err.Error() }

func (e *failure) Unwrap() []error { return []error{e.kind, e.err} }

// A violation is what the server did against the protocol: the end of the
// connection, with this code in the GOAWAY that tells the server
// (https://www.rfc-editor.org/rfc/rfc9113#section-5.4.1).
type violation struct {
	code h2.ErrCode
	what string
}

func (e *violation) Error() string {
	return fmt.Sprintf("http2: the server broke the protocol: %s (%v)", e.what, e.code)
}

func (e *violation) Unwrap() error { return h2.ConnectionError(e.code) }

func violated(code h2.ErrCode, format string, args ...any) error {
	return &violation{code, fmt.Sprintf(format, args...)}
}

// malformed is what the server did wrong on one stream, which ends with that code
// (https://www.rfc-editor.org/rfc/rfc9113#section-5.4.2).
func malformed(id uint32, code h2.ErrCode, format string, args ...any) error {
	return h2.StreamError{StreamID: id, Code: code, Cause: fmt.Errorf(format, args...)}
}

// wentAway is the error that the server ended the connection with.
func wentAway(f *h2.GoAwayFrame) error {
	const most = 256
	said := f.DebugData()
	if len(said) == 0 {
		return fmt.Errorf("http2: the server ended the connection: %w", h2.ConnectionError(f.ErrCode))
	}
	return fmt.Errorf("http2: the server ended the connection: %w: %q", h2.ConnectionError(f.ErrCode), said[:min(len(said), most)])
}

// reset is what the server reset a stream with, in place of an answer or later.
func reset(id uint32, code h2.ErrCode, later bool) error {
	kind := ErrAborted
	switch {
	case later:
	case code == h2.ErrCodeRefusedStream:
		kind = ErrRefused
	case code == h2.ErrCodeHTTP11Required:
		kind = ErrNoExtendedConnect
	}
	return &failure{kind, h2.StreamError{StreamID: id, Code: code}}
}

// leftOut is the error of a stream that GOAWAY leaves out.
func leftOut(later bool) error {
	if later {
		return &failure{ErrAborted, errGoneAway}
	}
	return &failure{ErrRefused, errGoneAway}
}
