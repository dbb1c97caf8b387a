package main

import (
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// A host calls the exports as a host does, natively: addresses are the lower half
// of real ones.
type host struct {
	t        *testing.T
	buffer   uint32
	settings uint64
}

// newHost returns a host of a new instance with settings.
func newHost(t *testing.T, c core.Config) *host {
	t.Helper()
	it = instance{most: abi.DefaultConns, memory: abi.DefaultMemory}
	page.status, page.next, page.end = status{}, 0, 0
	h := &host{t: t}
	h.buffer = uint32(wsBuffer(64 << 10))
	h.settings = h.makeSettings(c)
	return h
}

func (h *host) makeSettings(c core.Config) uint64 {
	h.t.Helper()
	s, err := core.NewSettings(c)
	if err != nil {
		h.t.Fatal(err)
	}
	record := abi.SettingsOf(s.Config())
	return h.handle(wsSettings(h.lend(record.Record())))
}

// lend puts p at the beginning of the buffer.
func (h *host) lend(p []byte) (ptr, n uint32) {
	return h.buffer, uint32(copy(it.buffer, p))
}

// handle requires that a handle was made.
func (h *host) handle(made int64) uint64 {
	h.t.Helper()
	if made <= 0 {
		h.t.Fatalf("no handle, but error %d: %s", -made, it.out)
	}
	return uint64(made)
}

func (h *host) open(role core.Role) uint64 {
	h.t.Helper()
	return h.handle(wsOpen(h.settings, 0, uint32(role)))
}

// seed gives n words of entropy: 1, 2, 3 and so on.
func (h *host) seed(n int) {
	page.next, page.end = 0, uint32(n)
	for i := range n {
		page.words[i] = uint32(i + 1)
	}
}

// want requires the result of a call.
func (h *host) want(what string, got int32, want int) {
	h.t.Helper()
	if got != int32(want) {
		h.t.Fatalf("%s is %d, want %d: %s", what, got, want, it.out)
	}
}

// refused requires an error code, and that the call has changed nothing of the
// connection.
func (h *host) refused(what string, conn uint64, code abi.Code, call func() int32) {
	h.t.Helper()
	before := h.state(conn)
	if got := call(); got != -int32(code) {
		h.t.Errorf("%s: %d, want %d", what, got, -int32(code))
	}
	if page.status.length != 0 {
		h.t.Errorf("%s: %d bytes of output", what, page.status.length)
	}
	if after := h.state(conn); after != before {
		h.t.Errorf("%s: the state went from\n%sto\n%s", what, before, after)
	}
}

func (h *host) state(conn uint64) string {
	if wsState(conn) < 0 {
		return ""
	}
	return string(it.out)
}

// recv passes input in one call.
func (h *host) recv(conn uint64, in []byte, events, flags uint32) int32 {
	ptr, n := h.lend(in)
	return wsRecv(conn, 0, ptr, n, events, flags)
}

// data returns what a record names.
func data(r *core.Record) string {
	if r.Addr-addressOf(page.scratch[:]) < core.ScratchSize {
		return string(page.scratch[r.Addr-addressOf(page.scratch[:]):][:r.Len])
	}
	if at := r.Addr - addressOf(it.plain); int(at) < len(it.plain) {
		return string(it.plain[at:][:r.Len])
	}
	return string(it.buffer[r.Addr-addressOf(it.buffer):][:r.Len])
}

// wire returns a frame as the peer of a connection with that role sends it.
func wire(role core.Role, op frame.Opcode, fin bool, payload string) []byte {
	h := frame.Header{Fin: fin, Opcode: op, Masked: role == core.Server, Mask: frame.Mask{1, 2, 3, 4}}
	return frame.AppendFrame(nil, h, []byte(payload))
}

func bothRoles(t *testing.T, c core.Config, f func(t *testing.T, h *host, role core.Role, conn uint64)) {
	for _, role := range []core.Role{core.Server, core.Client} {
		t.Run(role.String(), func(t *testing.T) {
			h := newHost(t, c)
			f(t, h, role, h.open(role))
		})
	}
}
