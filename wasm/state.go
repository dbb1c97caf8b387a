package wasm

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// AppendState appends a canonical dump of the state to dst, as core.Conn does;
// nothing if the connection is gone.
func (c *Conn) AppendState(dst []byte) []byte { return c.dump(dst, fnState) }

// AppendSnapshot appends the whole state to dst: core.RestoreConn and
// [Host.Restore] make connections of it. It appends nothing if the connection is
// gone.
func (c *Conn) AppendSnapshot(dst []byte) []byte { return c.dump(dst, fnSnapshot) }

func (c *Conn) dump(dst []byte, fn int) []byte {
	defer c.lock().Unlock()
	if !c.live() {
		return dst
	}
	dst, _ = c.appendOf(dst, fn, c.handle)
	return dst
}

// Restore makes a connection from a snapshot of one: of a Conn, in this or another
// Host, or of a core.Conn. s must equal the settings that it had. A snapshot that
// cannot be used is refused with a *core.SnapshotError.
func (h *Host) Restore(s *core.Settings, snapshot []byte) (*Conn, error) {
	native, err := core.RestoreConn(s, snapshot)
	if err != nil {
		return nil, err
	}
	var c *Conn
	err = h.place(func(x *instance) (err error) {
		c, err = x.restore(s.Config(), snapshot, native.Role())
		return err
	})
	return c, err
}

func (x *instance) restore(config core.Config, snapshot []byte, role core.Role) (*Conn, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.died != nil {
		return nil, x.died
	}
	settings, err := x.settingsOf(config)
	if err != nil {
		return nil, err
	}
	ptr, n, err := x.putRecord(snapshot)
	if err != nil {
		return nil, err
	}
	handle := x.call(fnRestore, settings, ptr, n)
	switch {
	case x.died != nil:
		return nil, x.died
	case handle < 0:
		return nil, refusal(abi.Code(-handle))
	}
	c := &Conn{x: x, handle: uint64(handle), role: role, entropy: config.Entropy}
	x.adopt(c)
	return c, nil
}
