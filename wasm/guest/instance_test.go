package main

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// onEach makes each call that names a connection.
func (h *host) onEach(f func(name string, call func(c uint64) int32)) {
	at := h.buffer
	for name, call := range map[string]func(c uint64) int32{
		"recv":       func(c uint64) int32 { return h.recv(c, []byte("GET / HTTP/1.1\r\n"), 1, 0) },
		"recv, take": func(c uint64) int32 { return h.recv(c, []byte("GET / HTTP/1.1\r\n"), 1, abi.TakeOutput) },
		"eof":        func(c uint64) int32 { return wsEOF(c, 0, 0) },
		"lost":       func(c uint64) int32 { return wsLost(c, 0) },
		"tick":       func(c uint64) int32 { return wsTick(c, 0, 0) },
		"reading":    func(c uint64) int32 { return wsReading(c, 0, 1) },
		"read ahead": func(c uint64) int32 { return wsReadAhead(c, 0, 1) },
		"wrote":      func(c uint64) int32 { return wsWrote(c, 0, 1) },
		"output":     func(c uint64) int32 { return wsOutput(c) },
		"send":       func(c uint64) int32 { return wsSend(c, 2, 3, at, 1) },
		"compressed": func(c uint64) int32 { return wsSendCompressed(c, 2, at, 1, at, 1) },
		"agreement":  func(c uint64) int32 { return wsCompression(c) },
		"records":    func(c uint64) int32 { return wsSendRecords(c, 0) },
		"header":     func(c uint64) int32 { return wsHeader(c, 2, 3, 1) },
		"ping":       func(c uint64) int32 { return wsPing(c, at, 1) },
		"pong":       func(c uint64) int32 { return wsPong(c, at, 1) },
		"close":      func(c uint64) int32 { return wsClose(c, 0, 1000, at, 0) },
		"request":    func(c uint64) int32 { return wsRequest(c) },
		"response":   func(c uint64) int32 { return wsResponse(c) },
		"accept":     func(c uint64) int32 { return wsAccept(c, 0, at, 0) },
		"reject":     func(c uint64) int32 { return wsReject(c, 0, at, 0) },
		"status":     func(c uint64) int32 { return wsStatus(c) },
		"state":      func(c uint64) int32 { return wsState(c) },
		"snapshot":   func(c uint64) int32 { return wsSnapshot(c) },
	} {
		f(name, call)
	}
}

func TestCallsForNoConnection(t *testing.T) {
	h := newHost(t, core.Config{})
	h.open(core.Server)
	h.onEach(func(name string, call func(c uint64) int32) {
		page.status.connections, page.status.output, page.status.length = 9, 9, 9
		h.want(name, call(99), -int(abi.CodeHandle))
		if s := &page.status; s.connections != 1 || s.length != 0 {
			t.Errorf("%s: %d connections, %d bytes of output", name, s.connections, s.length)
		}
	})
}

// A mistake of the module frees the connection that met it, and no other.
func TestPanicFreesTheConnection(t *testing.T) {
	h := newHost(t, core.Config{})
	other := h.open(core.Server)
	h.onEach(func(name string, call func(c uint64) int32) {
		broken := h.open(core.Server)
		*(*unsafe.Pointer)(unsafe.Pointer(it.table.conn(handle(broken)).Conn)) = nil // its settings
		h.want(name, call(broken), -int(abi.CodePanic))
		if page.status.connections != 1 || page.status.length != 0 {
			t.Errorf("%s: %+v", name, page.status)
		}
		h.want(name+", again", call(broken), -int(abi.CodeHandle))
		h.want("the other", wsStatus(other), 0)
	})
}

// Also where it comes to the panic in the middle of a call.
func TestPanicWithinACall(t *testing.T) {
	h := newHost(t, core.Config{})
	s, err := core.NewSettings(core.Config{Entropy: func() uint32 { panic("no entropy") }})
	if err != nil {
		t.Fatal(err)
	}
	it.table.at(handle(h.settings)).set = s
	h.seed(abi.Words)
	c := h.open(core.Client)
	h.want("send", wsSend(c, 2, 3, h.buffer, 1), -int(abi.CodePanic))
	ptr, n := h.lend(abi.AppendClient(nil, core.RequestOptions{Host: "a"}))
	h.want("a client", int32(wsClient(h.settings, 0, ptr, n)), -int(abi.CodePanic))
	if page.status.connections != 0 || wsStatus(c) != -int32(abi.CodeHandle) {
		t.Errorf("%+v", page.status)
	}
	h.want("a server of the same settings", wsStatus(h.open(core.Server)), 0)
}

func TestLimitOfConnections(t *testing.T) {
	h := newHost(t, core.Config{})
	h.want("limits", wsLimits(2, abi.DefaultMemory), 0)
	a, _ := h.open(core.Server), h.open(core.Client)
	h.want("a third connection", int32(wsServer(h.settings, 0)), -int(abi.CodeLimit))
	h.want("free", wsFree(a), 0)
	h.open(core.Server)
	for _, bad := range [][2]uint32{{0, 1 << 20}, {3, 1 << 20}, {1<<20 + 1, 1 << 20}, {2, 1<<30 + 1}} {
		h.want("limits", wsLimits(bad[0], bad[1]), -int(abi.CodeArgument))
	}
	h.want("less memory than there is", wsLimits(2, 256<<10-1), -int(abi.CodeLimit))
}

// Half of the memory is for handshakes, which give it back when they are over, and a
// quarter each for the buffer and for the output.
func TestLimitOfMemory(t *testing.T) {
	h := newHost(t, core.Config{})
	h.want("limits", wsLimits(100, 256<<10), 0)
	h.want("a larger buffer", wsBuffer(64<<10+1), -int(abi.CodeLimit))
	c := h.open(core.Server)
	h.refused("a longer output", c, abi.CodeLimit, func() int32 { return wsSend(c, 2, 3, h.buffer, 64<<10) })

	a, b := h.handle(wsServer(h.settings, 0)), h.handle(wsServer(h.settings, 0))
	part := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20<<10))
	h.want("a part of a request", h.recv(a, part, 1, 0), 0)
	if want := uint32(len(part)*abi.HeadCost + abi.HandshakeCost); page.status.held != want {
		t.Errorf("%d bytes are held, want %d", page.status.held, want)
	}
	h.refused("another one", b, abi.CodeLimit, func() int32 { return h.recv(b, part, 1, 0) })
	h.want("free", wsFree(a), 0)
	if page.status.held != 0 || page.status.garbage == 0 {
		t.Errorf("%+v", page.status)
	}
	h.want("the other one", h.recv(b, part, 1, 0), 0)
	if wsMaintain() < 0 || page.status.garbage != 0 {
		t.Errorf("%d bytes of garbage", page.status.garbage)
	}
}

func TestBuffer(t *testing.T) {
	h := newHost(t, core.Config{})
	copy(it.buffer, "kept")
	if wsBuffer(10); len(it.buffer) != 64<<10 || addressOf(it.buffer) != h.buffer {
		t.Error("a smaller buffer was made")
	}
	if wsBuffer(64<<10 + 1); len(it.buffer) != 128<<10 || string(it.buffer[:4]) != "kept" {
		t.Errorf("%d bytes, %q", len(it.buffer), it.buffer[:4])
	}
	h.want("defaults", wsDefaults(addressOf(it.buffer)), abi.SettingsSize)
	h.want("defaults behind the buffer", wsDefaults(addressOf(it.buffer)+128<<10), -int(abi.CodeRange))
}

func TestErrorText(t *testing.T) {
	h := newHost(t, core.Config{})
	for code, want := range map[uint32]string{
		uint32(abi.CodeEntropy): "entropy is lacking", uint32(core.ErrInvalidUTF8): core.ErrInvalidUTF8.Reason(), 127: core.Error(127).Reason(), 999: "",
	} {
		if h.want("length", wsErrorText(code), len(want)); string(it.out) != want {
			t.Errorf("%d is %q, want %q", code, it.out, want)
		}
	}
}

func TestSettingsAreRefused(t *testing.T) {
	h := newHost(t, core.Config{})
	h.want("defaults", wsDefaults(h.buffer), abi.SettingsSize)
	it.buffer[4] = 3
	h.want("settings", int32(wsSettings(h.buffer, abi.SettingsSize)), -int(abi.CodeSettings))
	if !strings.Contains(string(it.out), "ings") {
		t.Errorf("the output is %q", it.out)
	}
	h.want("settings that are cut off", int32(wsSettings(h.buffer, abi.SettingsSize-1)), -int(abi.CodeSettings))
	h.want("settings that are not in the buffer", int32(wsSettings(h.buffer-1, abi.SettingsSize)), -int(abi.CodeRange))
}

// A connection goes on from its snapshot; what is damaged is refused.
func TestSnapshot(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.want("a fragment", h.recv(conn, wire(role, frame.Text, false, "\xe2\x82"), 1, 0), 1)
		if wsSnapshot(conn) <= 0 {
			t.Fatal("no snapshot")
		}
		snapshot := append([]byte(nil), it.out...)
		twin := h.handle(wsRestore(h.settings, h.buffer, uint32(copy(it.buffer, snapshot))))
		if a, b := h.state(conn), h.state(twin); a != b {
			t.Errorf("the state is\n%s, want\n%s", b, a)
		}
		h.want("the last fragment", h.recv(twin, wire(role, frame.Continuation, true, "\xac"), 1, 0), 1)
		for n := range snapshot {
			ptr, n := h.lend(snapshot[:n])
			h.want("part of a snapshot", int32(wsRestore(h.settings, ptr, n)), -int(abi.CodeSnapshot))
		}
	})
}
