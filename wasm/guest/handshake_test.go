package main

import (
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// A client meets a server in one instance: requests, responses and answers pass as
// records.
func TestHandshake(t *testing.T) {
	h := newHost(t, core.Config{})
	h.seed(abi.Words)
	ptr, n := h.lend(abi.AppendClient(nil, core.RequestOptions{Host: "a.example", Target: "/chat", Subprotocols: []string{"v1", "v2"}}))
	client := h.handle(wsClient(h.settings, 0, ptr, n))
	server := h.handle(wsServer(h.settings, 0))
	if wsOutput(client) <= 0 {
		t.Fatal("no request")
	}
	h.want("the request", h.recv(server, append([]byte(nil), it.out...), 64, 0), 1)
	if page.records[0].Kind != core.EventRequest || page.status.flags&abi.FlagRequest == 0 || page.status.held == 0 {
		t.Fatalf("%v, %+v", page.records[0].Kind, page.status)
	}
	if wsRequest(server) <= 0 {
		t.Fatal("no request to read")
	}
	r := abi.NewReader(it.out)
	if q := r.Request(); !r.Done() || q.Target != "/chat" || q.Method != "GET" {
		t.Errorf("%+v", q)
	}
	ptr, n = h.lend(abi.AppendAccept(nil, core.AcceptOptions{Subprotocol: "v2"}))
	h.want("accept", wsAccept(server, 0, ptr, n), 0)
	h.want("accept, again", wsAccept(server, 0, ptr, n), -int(core.ErrNoRequest))
	if wsOutput(server) <= 0 || page.status.flags != abi.FlagOpen {
		t.Fatalf("%+v", page.status)
	}
	answer := append(append([]byte(nil), it.out...), wire(core.Client, frame.Text, true, "hi")...)
	h.want("the answer", h.recv(client, answer, 64, 0), 1)
	if s := &page.status; page.records[0].Kind != core.EventOpen || s.flags != abi.FlagOpen|abi.FlagClient|abi.FlagResponse|abi.FlagMore {
		t.Fatalf("%v, %+v", page.records[0].Kind, s)
	}
	rest := answer[page.status.taken:]
	if wsResponse(client) <= 0 {
		t.Fatal("no response to read")
	}
	r = abi.NewReader(it.out)
	if p, chosen := r.Response(); !r.Done() || p.Status != 101 || chosen != "v2" {
		t.Errorf("%+v, %q", p, chosen)
	}
	h.want("the message", h.recv(client, rest, 64, 0), 1)
	if page.records[0].Kind != core.EventMessage || data(&page.records[0]) != "hi" || page.status.flags != abi.FlagOpen|abi.FlagClient || page.status.held != 0 {
		t.Errorf("%v, %+v", page.records[0].Kind, page.status)
	}
	h.want("no response any more", wsResponse(client), 0)
}

const request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// Records that are cut off, or have more behind their end, are refused.
func TestRecordsCutOff(t *testing.T) {
	h := newHost(t, core.Config{})
	h.seed(abi.Words)
	fields := []core.Field{{Name: "A", Value: "b"}}
	server := h.handle(wsServer(h.settings, 0))
	h.want("the request", h.recv(server, []byte(request), 1, 0), 1)
	for name, c := range map[string]struct {
		record []byte
		call   func(ptr, n uint32) int32
	}{
		"client": {abi.AppendClient(nil, core.RequestOptions{Host: "a", Target: "/", Subprotocols: []string{"b"}, Header: fields}),
			func(ptr, n uint32) int32 { return int32(wsClient(h.settings, 0, ptr, n)) }},
		"accept": {abi.AppendAccept(nil, core.AcceptOptions{Header: fields}), func(ptr, n uint32) int32 { return wsAccept(server, 0, ptr, n) }},
		"reject": {abi.AppendReject(nil, core.RejectOptions{Status: 404, Header: fields, Body: []byte("no")}),
			func(ptr, n uint32) int32 { return wsReject(server, 0, ptr, n) }},
	} {
		for n := range c.record {
			ptr, n := h.lend(c.record[:n])
			h.want(name+", cut off", c.call(ptr, n), -int(abi.CodeRecord))
		}
		ptr, n := h.lend(append(c.record, 0))
		h.want(name+", with more behind it", c.call(ptr, n), -int(abi.CodeRecord))
		h.want(name+", from nowhere", c.call(ptr-1, n), -int(abi.CodeRange))
	}
	if page.status.connections != 1 {
		t.Errorf("%d connections", page.status.connections)
	}
	ptr, n := h.lend(abi.AppendReject(nil, core.RejectOptions{Status: 404, Body: []byte("no")}))
	h.want("reject", wsReject(server, 0, ptr, n), 0)
	if wsOutput(server) <= 0 || page.status.transport != core.TransportHalfClose {
		t.Errorf("%q, %+v", it.out, page.status)
	}
}

func TestOpenNeedsARole(t *testing.T) {
	h := newHost(t, core.Config{})
	h.want("role 2", int32(wsOpen(h.settings, 0, 2)), -int(abi.CodeArgument))
	h.want("no settings", int32(wsOpen(99, 0, 0)), -int(abi.CodeHandle))
}
