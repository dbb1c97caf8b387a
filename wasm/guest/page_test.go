package main

import (
	"testing"
	"unsafe"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// The page is laid out as docs/wasm-abi.md and package abi say.
func TestPageLayout(t *testing.T) {
	var s status
	var r core.Record
	for name, c := range map[string][2]uintptr{
		"page":             {unsafe.Sizeof(page), abi.PageSize},
		"alignment":        {uintptr(unsafe.Pointer(&page)) % 8, 0},
		"status":           {unsafe.Offsetof(page.status), 0},
		"size of status":   {unsafe.Sizeof(s), abi.EntropyAt},
		"next":             {unsafe.Offsetof(page.next), abi.EntropyAt},
		"end":              {unsafe.Offsetof(page.end), abi.EntropyAt + 4},
		"scratch":          {unsafe.Offsetof(page.scratch), abi.ScratchAt},
		"records":          {unsafe.Offsetof(page.records), abi.RecordsAt},
		"words":            {unsafe.Offsetof(page.words), abi.WordsAt},
		"deadline":         {unsafe.Offsetof(s.deadline), abi.StatusDeadline},
		"taken":            {unsafe.Offsetof(s.taken), abi.StatusTaken},
		"records, count":   {unsafe.Offsetof(s.records), abi.StatusRecords},
		"output":           {unsafe.Offsetof(s.output), abi.StatusOutput},
		"length":           {unsafe.Offsetof(s.length), abi.StatusLength},
		"pending":          {unsafe.Offsetof(s.pending), abi.StatusPending},
		"timer":            {unsafe.Offsetof(s.timer), abi.StatusTimer},
		"transport":        {unsafe.Offsetof(s.transport), abi.StatusTransport},
		"flags":            {unsafe.Offsetof(s.flags), abi.StatusFlags},
		"error":            {unsafe.Offsetof(s.err), abi.StatusError},
		"mask":             {unsafe.Offsetof(s.mask), abi.StatusMask},
		"wanted":           {unsafe.Offsetof(s.wanted), abi.StatusWanted},
		"connections":      {unsafe.Offsetof(s.connections), abi.StatusConnections},
		"held":             {unsafe.Offsetof(s.held), abi.StatusHeld},
		"garbage":          {unsafe.Offsetof(s.garbage), abi.StatusGarbage},
		"record":           {unsafe.Sizeof(r), abi.RecordSize},
		"record's kind":    {unsafe.Offsetof(r.Kind), abi.RecordKind},
		"record's opcode":  {unsafe.Offsetof(r.Op), abi.RecordOp},
		"record's flags":   {unsafe.Offsetof(r.Flags), abi.RecordFlags},
		"record's code":    {unsafe.Offsetof(r.Code), abi.RecordCode},
		"record's address": {unsafe.Offsetof(r.Addr), abi.RecordPtr},
		"record's length":  {unsafe.Offsetof(r.Len), abi.RecordLength},
		"first":            {uintptr(core.RecordFirst), abi.First},
		"last":             {uintptr(core.RecordLast), abi.Last},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %d, want %d", name, c[0], c[1])
		}
	}
	if p := wsPage(); p != uint32(uintptr(unsafe.Pointer(&page))) || wsABI() != abi.Version {
		t.Errorf("the page is at %x, of version %d", p, wsABI())
	}
}

// The status is that of the connection of the latest call, calm or not.
func TestStatusIsOfTheLatestConnection(t *testing.T) {
	h := newHost(t, core.Config{Pings: core.PingAnswer})
	calm, failed, server := h.open(core.Server), h.open(core.Server), h.handle(wsServer(h.settings, 7))
	h.want("a frame that breaks the protocol", h.recv(failed, []byte("\xf0\x80\x00\x00\x00\x00"), 1, 0), 1)
	s := &page.status
	if s.err != core.ErrReservedBits || s.flags != 0 && s.flags != abi.FlagMore || s.transport != core.TransportHalfClose || s.pending == 0 || s.timer != core.TimerClose {
		t.Errorf("failed: %+v", s)
	}
	h.want("status", wsStatus(calm), 0)
	if s.err != 0 || s.flags != abi.FlagOpen || s.transport != core.TransportOpen || s.pending != 0 || s.timer != core.TimerPing || s.deadline != 15e9 || s.connections != 3 {
		t.Errorf("calm: %+v", s)
	}
	h.want("status", wsStatus(server), 0)
	if s.flags != 0 || s.timer != core.TimerHandshake || s.deadline != 10e9+7 {
		t.Errorf("in the handshake: %+v", s)
	}
	h.want("a ping", h.recv(calm, wire(core.Server, frame.Ping, true, "p"), 1, 0), 1)
	if s.pending == 0 || s.flags != abi.FlagOpen|abi.FlagMore {
		t.Errorf("with a pong pending: %+v", s)
	}
	h.want("status", wsStatus(h.open(core.Client)), 0)
	if s.flags != abi.FlagOpen|abi.FlagClient || s.pending != 0 {
		t.Errorf("client: %+v", s)
	}
}

// more is told by the call that has left input, and by no other.
func TestMoreIsOfTheCall(t *testing.T) {
	h := newHost(t, core.Config{})
	c := h.open(core.Server)
	one := wire(core.Server, frame.Binary, true, "a")
	h.want("two messages, one event", h.recv(c, append(one, wire(core.Server, frame.Binary, true, "b")...), 1, 0), 1)
	if page.status.flags&abi.FlagMore == 0 || page.status.taken != uint32(len(one)) {
		t.Errorf("after the first: %+v", page.status)
	}
	h.want("status", wsStatus(c), 0)
	if page.status.flags&abi.FlagMore != 0 {
		t.Error("more, though nothing was received")
	}
}

// What has no bytes has an address in memory all the same.
func TestAddressesOfNothing(t *testing.T) {
	h := newHost(t, core.Config{Pings: core.PingAnswer})
	c := h.open(core.Server)
	for _, in := range [][]byte{wire(0, frame.Binary, true, ""), wire(0, frame.Ping, true, ""), wire(0, frame.Pong, true, "")} {
		h.want("a frame of no bytes", h.recv(c, in, 1, abi.TakeOutput), 1)
		if r := &page.records[0]; r.Len != 0 || r.Addr != 0 && r.Addr-h.buffer > uint32(len(it.buffer)) {
			t.Errorf("%v lies at %x, and the buffer at %x", r.Kind, r.Addr, h.buffer)
		}
	}
	it.out = nil
	h.want("status", wsStatus(c), 0)
	if page.status.output != 0 || page.status.length != 0 {
		t.Errorf("no output at %x", page.status.output)
	}
}
