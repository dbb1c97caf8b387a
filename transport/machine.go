package transport

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Machine is one end of a WebSocket connection as the driver sees it: the
// native [core.Conn], or the same core behind another boundary, such as
// WebAssembly. Its methods mean what those of core.Conn mean. The driver calls
// one at a time.
type Machine interface {
	Recv(now clock.Time, in, scratch []byte) (n int, ev core.Event)
	RecvEOF(now clock.Time) core.Event
	Lost(now clock.Time) core.Event
	Tick(now clock.Time) core.Event
	Deadline() (clock.Time, core.Timer)
	SetReading(now clock.Time, on bool)
	SetReadAhead(now clock.Time, on bool)
	Wrote(now clock.Time, n int)

	Pending() int
	AppendOutput(dst []byte) []byte
	AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error)
	AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error)
	AppendHeader(dst []byte, op frame.Opcode, o core.HeaderOptions, n int) ([]byte, frame.Mask, error)
	AppendPing(dst, payload []byte) ([]byte, error)
	AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error)

	Role() core.Role
	Request() *core.Request
	Accept(now clock.Time, o core.AcceptOptions) error
	Reject(now clock.Time, o core.RejectOptions) error
	Response() *core.Response
	Subprotocol() string

	Open() bool
	Err() error
	Transport() core.Transport
}

var _ Machine = (*core.Conn)(nil)
