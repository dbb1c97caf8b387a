package main

import (
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// A handle that was freed is never valid again, though its place is.
func TestHandlesAreNotUsedAgain(t *testing.T) {
	h := newHost(t, core.Config{})
	seen := map[uint64]bool{h.settings: true}
	var last uint64
	for range 100 {
		c := h.open(core.Server)
		if seen[c] {
			t.Fatalf("handle %x was given twice", c)
		}
		seen[c] = true
		if last != 0 {
			h.want("the status of a connection that is gone", wsStatus(last), -int(abi.CodeHandle))
			if uint32(c) != uint32(last) {
				t.Errorf("a new place at %d while that at %d is empty", uint32(c), uint32(last))
			}
		}
		h.want("free", wsFree(c), 0)
		h.want("free, again", wsFree(c), -int(abi.CodeHandle))
		last = c
	}
	if len(it.table.places) != 2 || page.status.connections != 0 {
		t.Errorf("%d places and %d connections", len(it.table.places), page.status.connections)
	}
}

func TestHandlesOfEachKind(t *testing.T) {
	h := newHost(t, core.Config{})
	c := h.open(core.Server)
	h.want("the status of settings", wsStatus(h.settings), -int(abi.CodeHandle))
	h.want("freeing settings as a connection", wsFree(h.settings), -int(abi.CodeHandle))
	h.want("freeing a connection as settings", wsSettingsFree(c), -int(abi.CodeHandle))
	h.want("a server with a connection for settings", int32(wsServer(c, 0)), -int(abi.CodeHandle))
	for _, bad := range []uint64{0, 1, 1 << 32, c + 1, c + 1<<32, c | 1<<63, 1<<64 - 1} {
		h.want("the status of no handle", wsStatus(bad), -int(abi.CodeHandle))
	}
	h.want("the status of the connection", wsStatus(c), 0)
}

func TestSettingsOutliveTheirHandle(t *testing.T) {
	h := newHost(t, core.Config{MaxMessageSize: 3})
	c := h.open(core.Server)
	h.want("freeing settings", wsSettingsFree(h.settings), 0)
	h.want("freeing settings, again", wsSettingsFree(h.settings), -int(abi.CodeHandle))
	h.want("a server of no settings", int32(wsServer(h.settings, 0)), -int(abi.CodeHandle))
	h.want("a message that is too long", h.recv(c, wire(core.Server, 2, true, "four"), 1, 0), 1)
	if page.records[0].Kind != core.EventFailed {
		t.Errorf("the event is %v", page.records[0].Kind)
	}
}

// After two billion generations a place is not used any more.
func TestGenerationsRunOut(t *testing.T) {
	var x table
	p, first := x.add()
	p.gen = mostGen
	p.conn.Conn = new(core.Conn)
	last := handle(mostGen)<<32 | first&(1<<32-1)
	if int64(last) < 0 || x.conn(last) == nil {
		t.Fatalf("handle %x is not positive or finds nothing", last)
	}
	x.remove(last)
	if x.conn(last) != nil {
		t.Error("the last generation is still there")
	}
	if _, h := x.add(); uint32(h) == uint32(first) {
		t.Error("a place without generations was used again")
	}
}
