package wasm

import (
	"errors"
	"fmt"

	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// ErrClosed: the host was closed, and with it all its connections.
var ErrClosed = errors.New("wasm: the host is closed")

// ErrFull: there are as many connections as [Options] allow, or the memory of the
// instance is used up by handshakes that are under way and by compression. A connection
// that is open ends so if a compressed message comes for which there is no memory.
var ErrFull = errors.New("wasm: there is no room for another connection, or for a compressed message: see Options.Instances, Connections and HandshakeMemory")

// ErrTooLong: a payload is longer than an eighth of [Options.HandshakeMemory] and does
// not fit into the sandbox. AppendHeader sends one that stays outside.
var ErrTooLong = errors.New("wasm: the payload does not fit into the sandbox: send it in fragments, or behind AppendHeader")

// A TrapError is why all connections of an instance ended: it trapped, and was
// discarded.
type TrapError struct {
	Call string // the function of the module that was called
	Err  error  // what the runtime says
}

func (e *TrapError) Error() string {
	return fmt.Sprintf("wasm: the sandbox of this connection trapped in %s and was discarded: %v", e.Call, e.Err)
}

func (e *TrapError) Unwrap() error { return e.Err }

var errBatchInput = errors.New("wasm: Batch.Recv was told of more bytes than Batch.Input lent")

// errBroken is how an instance ends that answers what it cannot.
var errBroken = &TrapError{"an answer", errors.New("it lies outside of the memory")}

// errorOf makes a Go error of a code that is not the core's.
func errorOf(code abi.Code) error {
	if code == abi.CodeLimit {
		return ErrFull
	}
	return code
}
