package transport

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Machine is one end of a WebSocket connection as the driver sees it: the
// native [core.Conn], or the same core behind another boundary, such as
// WebAssembly. Its methods mean what those of core.Conn mean. The driver calls
// one at a time.
//
// One that holds more than memory is a [Releaser], and one that can fail whatever
// its peer does is a [Failer].
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

// A Compressor is a [Machine] that may compress messages.
type Compressor interface {
	// Compression returns what both sides have agreed on, false if nothing is
	// compressed. It does not change once the machine is open.
	Compression() (agreed deflate.Params, ok bool)
}

// A Precompressor is a [Compressor] that sends what was compressed once for many
// connections. Others compress it for each.
type Precompressor interface {
	Compressor

	AppendCompressed(dst []byte, op frame.Opcode, p, compressed []byte) ([]byte, error)
}

var _ Precompressor = (*core.Conn)(nil)

// A Batcher is a [Machine] that takes many messages in one call: see
// [core.Conn.RecvRecords].
type Batcher interface {
	RecvRecords(now clock.Time, in []byte, addr uint32, records []core.Record) (n, count int)
}

var _ Batcher = (*core.Conn)(nil)

// An Expecter is a [Machine] that knows how much of a frame is to come, so that it can be
// read to where it belongs: see [core.Conn.Expects].
type Expecter interface{ Expects() int }

var _ Expecter = (*core.Conn)(nil)

// An Opener is a [Machine] that can do a server's handshake in memory that is lent to it:
// see [core.Conn.LendOpening].
type Opener interface {
	LendOpening(o *core.Opening) bool
	ReturnOpening() *core.Opening
}

var _ Opener = (*core.Conn)(nil)

// compressionOf returns what m, which is open, compresses with.
func compressionOf(m Machine) (agreed deflate.Params, ok bool) {
	c, ok := m.(Compressor)
	if !ok {
		return agreed, false
	}
	return c.Compression()
}

// A Releaser is a [Machine] that holds what no garbage collector gives back, such
// as its place in a sandbox.
type Releaser interface {
	// Release gives that back. It is called once, when the connection has let
	// go of its stream, or if it never gets one, and must not block.
	//
	// Any method may be called afterwards. It does nothing, and answers from
	// what was known last: how the connection ended, its role, its handshake.
	// The [core.Request] and the [core.Response] that were returned before stay
	// valid.
	Release()
}

// Release releases m, if it is a [Releaser].
func Release(m Machine) {
	if r, ok := m.(Releaser); ok {
		r.Release()
	}
}

// A Failer is a [Machine] that may fail by itself, whatever its peer does: the
// sandbox that it runs in has died, for example.
type Failer interface {
	// OnFailure has f called when the machine fails so, or at once if it has
	// already: once, from a goroutine of its own that holds nothing which a
	// method of the machine needs. After Release it does not matter whether f is
	// called. The driver calls OnFailure once.
	//
	// From the failure on Err returns why, which need not be a [core.Error],
	// Transport returns [core.TransportAbort], and nothing is pending. The next
	// Recv, RecvEOF, Lost or Tick reports [core.EventFailed], and calls that
	// return an error fail with Err or as after the end of a connection.
	OnFailure(f func())
}
