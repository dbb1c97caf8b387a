package websockets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// A Kind is what went wrong, to be matched with errors.Is:
//
//	if errors.Is(err, websockets.ErrMessageTooLarge) { ... }
type Kind uint8

// The kinds of errors.
const (
	_ Kind = iota

	// ErrClosed: the connection was closed with a close frame, whose Code and
	// Reason the peer chose, or by this side's CloseNow, with Abnormal.
	ErrClosed

	// ErrProtocol: the peer violated the protocol; it was sent 1002. From
	// NetConn: a message of the other type came; 1003.
	ErrProtocol

	// ErrReservedBits: a reserved bit was set; also an ErrProtocol.
	ErrReservedBits

	// ErrInvalidData: text that is not UTF-8; the peer was sent 1007. From
	// ReceiveJSON: a message that is not the JSON that was asked for.
	ErrInvalidData

	// ErrMessageTooLarge: the peer exceeded MaxFrameSize or MaxMessageSize
	// and was sent 1009. The peer itself sees an ErrClosed with that Code.
	ErrMessageTooLarge

	// ErrPolicy: MaxFragments or MaxControlRate was exceeded; the peer was
	// sent 1008.
	ErrPolicy

	// ErrConnectionTimeout: the peer was silent, did not answer a ping, or
	// took no output, for too long.
	ErrConnectionTimeout

	// ErrCloseTimeout: the peer did not answer our close frame in time.
	ErrCloseTimeout

	// ErrLost: the transport broke or ended without a close frame (1006).
	ErrLost

	// ErrMissingUpgrade: the request has no Upgrade or Connection header as
	// a WebSocket handshake needs; also an ErrHandshake.
	ErrMissingUpgrade

	// ErrHandshake: the opening handshake failed; see [HandshakeError].
	ErrHandshake

	// ErrInvalidOpcode: the message to send is neither Text nor Binary.
	ErrInvalidOpcode

	// ErrMisuse: the call was not valid and changed nothing; ErrInvalidOpcode,
	// text that is not UTF-8, and a Reader or Writer that is closed are among
	// these.
	ErrMisuse

	// ErrUnexpected: anything else, panics and errors of the handler
	// included, and machines of Options.Machine that cannot be made or that
	// fail by themselves.
	ErrUnexpected
)

var kindTexts = [...]string{
	ErrClosed:            "connection closed",
	ErrProtocol:          "protocol error",
	ErrReservedBits:      "reserved bits not supported",
	ErrInvalidData:       "invalid data",
	ErrMessageTooLarge:   "message too large",
	ErrPolicy:            "policy violation",
	ErrConnectionTimeout: "connection timeout",
	ErrCloseTimeout:      "close timeout",
	ErrLost:              "connection lost",
	ErrMissingUpgrade:    "missing upgrade header",
	ErrHandshake:         "handshake failed",
	ErrInvalidOpcode:     "invalid message type",
	ErrMisuse:            "misuse",
	ErrUnexpected:        "unexpected error",
}

func (k Kind) Error() string {
	if int(k) < len(kindTexts) && kindTexts[k] != "" {
		return "websocket: " + kindTexts[k]
	}
	return "websocket: unknown error"
}

// An Error is what the methods of a [Conn] return, apart from the errors of
// their contexts. errors.Is matches it with a [Kind] and with what it wraps.
type Error struct {
	Kind   Kind
	Code   CloseCode // of the close frame that ended the connection, ours or the peer's; Abnormal if none did; from ReceiveJSON: to close with
	Reason string    // of that close frame
	Remote bool      // the peer closed or violated the protocol; otherwise it was this side, a timer or the network
	Err    error     // the error of the core, of the transport or of the handler

	conn *Conn // whose error it is
}

func (e *Error) Error() string {
	if e == nil {
		return "websocket: a nil *Error was returned as an error"
	}
	if e.Err == nil {
		return e.Kind.Error()
	}
	return e.Err.Error()
}

// Timeout reports whether a timer ran out, as with net.Error.
func (e *Error) Timeout() bool {
	return e.Kind == ErrConnectionTimeout || e.Kind == ErrCloseTimeout || e.Err == core.ErrHandshakeTimeout
}

func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is makes the broader kinds match too.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && e != nil && (k == e.Kind || k == broader[e.Kind])
}

var broader = map[Kind]Kind{
	ErrReservedBits:   ErrProtocol,
	ErrMissingUpgrade: ErrHandshake,
	ErrInvalidOpcode:  ErrMisuse,
}

// A HandshakeError is why Accept or Dial failed. errors.Is matches it with
// [ErrHandshake] and with what it wraps: an [Error], or the error of the network.
type HandshakeError struct {
	Status   int            // the HTTP status that a server, not a proxy, answered with; 0 if none
	Response *http.Response // what a client received, with what came of its body within a second, at most 4 KiB; nil if nothing
	Err      error
}

func (e *HandshakeError) Error() string {
	err := e.Err
	if err == nil {
		err = ErrHandshake
	}
	if e.Response != nil {
		return fmt.Sprintf("%v (%s)", err, e.Response.Status)
	}
	return err.Error()
}

// Timeout reports whether the handshake, or connecting before it, took too
// long, as with net.Error.
func (e *HandshakeError) Timeout() bool {
	late, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && late.Timeout()
}

func (e *HandshakeError) Is(target error) bool { return target == ErrHandshake }

func (e *HandshakeError) Unwrap() error { return e.Err }

// A step is an error with what was under way.
type step struct {
	what string
	err  error
}

func (s *step) Error() string {
	return "websocket: " + s.what + ": " + strings.TrimPrefix(s.err.Error(), "websocket: ")
}

func (s *step) Unwrap() error { return s.err }

// CloseStatus returns the code with which a connection was closed by a close
// frame of the peer, and 0 for every other error.
func CloseStatus(err error) CloseCode {
	if e, ok := errors.AsType[*transport.CloseError](err); ok {
		return e.Code
	}
	return 0
}

// unexpected makes an error of the kind ErrUnexpected.
func unexpected(err error) error {
	return &Error{Kind: ErrUnexpected, Code: Abnormal, Err: err}
}

// wrap makes an *Error of what the driver returned. The errors of contexts stay
// as they are.
func wrap(err error) error {
	if err == nil || err == context.Canceled || err == context.DeadlineExceeded {
		return err
	}
	if e, ok := err.(*Error); ok {
		return e
	}
	if _, ok := errors.AsType[*transport.TurnError](err); ok {
		return err
	}
	e := &Error{Kind: ErrUnexpected, Code: Abnormal, Err: err}
	if closed, ok := errors.AsType[*transport.CloseError](err); ok {
		e.Kind, e.Code, e.Reason, e.Remote = ErrClosed, closed.Code, closed.Reason, !closed.Local
		return e
	}
	if err == transport.ErrClosed {
		e.Kind = ErrClosed
		return e
	}
	if _, ok := errors.AsType[*transport.LostError](err); ok {
		e.Kind = ErrLost
		return e
	}
	if err == transport.ErrReaderClosed || err == transport.ErrWriterClosed || err == transport.ErrDelivering {
		e.Kind = ErrMisuse
		return e
	}
	if c, ok := errors.AsType[core.Error](err); ok {
		e.Kind, e.Code, e.Remote = kindOf(c), c.CloseCode(), c.Kind() == core.KindViolation
		if e.Code != Abnormal {
			e.Reason = c.Reason()
		}
	}
	return e
}

func kindOf(e core.Error) Kind {
	switch e {
	case core.ErrInvalidOpcode:
		return ErrInvalidOpcode
	case core.ErrReservedBits:
		return ErrReservedBits
	case core.ErrUpgradeHeader, core.ErrConnectionHeader:
		return ErrMissingUpgrade
	case core.ErrCloseTimeout:
		return ErrCloseTimeout
	case core.ErrHandshakeTimeout:
		return ErrHandshake
	case core.ErrCloseSent:
		return ErrClosed
	}
	switch e.Kind() {
	case core.KindTimeout:
		return ErrConnectionTimeout
	case core.KindLost:
		return ErrLost
	case core.KindHandshake:
		return ErrHandshake
	case core.KindMisuse:
		return ErrMisuse
	}
	switch e.CloseCode() {
	case InvalidData:
		return ErrInvalidData
	case MessageTooBig:
		return ErrMessageTooLarge
	case PolicyViolation:
		return ErrPolicy
	}
	return ErrProtocol
}
