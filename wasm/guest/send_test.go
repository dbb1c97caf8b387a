package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

func TestSendRefuses(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.seed(abi.Words)
		copy(it.buffer, "\xff")
		end := h.buffer + uint32(len(it.buffer))
		for name, c := range map[string]struct {
			code abi.Code
			call func() int32
		}{
			"no UTF-8":            {abi.Code(core.ErrInvalidText), func() int32 { return wsSend(conn, 1, 3, h.buffer, 1) }},
			"a ping":              {abi.Code(core.ErrInvalidOpcode), func() int32 { return wsSend(conn, 9, 3, h.buffer, 0) }},
			"a continuation":      {abi.Code(core.ErrNoMessage), func() int32 { return wsSend(conn, 0, 2, h.buffer, 0) }},
			"an opcode":           {abi.CodeArgument, func() int32 { return wsSend(conn, 256+2, 3, h.buffer, 0) }},
			"flags":               {abi.CodeArgument, func() int32 { return wsSend(conn, 2, 4, h.buffer, 0) }},
			"flags like others":   {abi.CodeArgument, func() int32 { return wsSend(conn, 2, 256+3, h.buffer, 0) }},
			"behind the buffer":   {abi.CodeRange, func() int32 { return wsSend(conn, 2, 3, end, 1) }},
			"longer than it":      {abi.CodeRange, func() int32 { return wsSend(conn, 2, 3, h.buffer, 1<<31) }},
			"header's opcode":     {abi.CodeArgument, func() int32 { return wsHeader(conn, 256, 3, 1) }},
			"header's flags":      {abi.CodeArgument, func() int32 { return wsHeader(conn, 2, 4, 1) }},
			"header's length":     {abi.Code(core.ErrTooLong), func() int32 { return wsHeader(conn, 2, 3, 1<<31) }},
			"a long ping":         {abi.Code(core.ErrControlTooLong), func() int32 { return wsPing(conn, h.buffer, 126) }},
			"a long pong":         {abi.Code(core.ErrControlTooLong), func() int32 { return wsPong(conn, h.buffer, 126) }},
			"a ping from nowhere": {abi.CodeRange, func() int32 { return wsPing(conn, h.buffer-1, 1) }},
			"a close code":        {abi.Code(core.ErrUnsendableCode), func() int32 { return wsClose(conn, 0, 1006, h.buffer, 0) }},
			"no close code":       {abi.CodeArgument, func() int32 { return wsClose(conn, 0, 1<<16, h.buffer, 0) }},
			"a reason":            {abi.Code(core.ErrInvalidText), func() int32 { return wsClose(conn, 0, 1000, h.buffer, 1) }},
			"a long reason":       {abi.Code(core.ErrControlTooLong), func() int32 { return wsClose(conn, 0, 1000, h.buffer, 124) }},
			"a reason not in it":  {abi.CodeRange, func() int32 { return wsClose(conn, 0, 1000, end, 1) }},
			"too many records":    {abi.CodeArgument, func() int32 { return wsSendRecords(conn, 65) }},
		} {
			h.refused(name, conn, c.code, c.call)
		}
	})
}

// wants decodes the output and requires these payloads, each a whole message.
func (h *host) wantsMessages(want ...string) {
	h.t.Helper()
	rest := it.out
	for i, p := range want {
		head, n, err := frame.ParseHeader(rest)
		if err != nil || n == 0 || !head.Fin {
			h.t.Fatalf("message %d: %+v, %v", i, head, err)
		}
		got := bytes.Clone(rest[n : n+int(head.Length)])
		if head.Masked {
			head.Mask.XOR(got, 0)
		}
		if string(got) != p {
			h.t.Fatalf("message %d is %q, want %q", i, got, p)
		}
		rest = rest[n+int(head.Length):]
	}
	if len(rest) > 0 {
		h.t.Fatalf("%d bytes more", len(rest))
	}
}

// An echo gives back the records it got.
func TestSendRecordsEchoes(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.seed(abi.Words)
		in := bytes.Join([][]byte{wire(role, 1, true, "κόσμε"), wire(role, 2, true, ""), wire(role, 2, true, strings.Repeat("x", 500))}, nil)
		for range 3 {
			h.want("receive", h.recv(conn, in, 64, 0), 3)
			h.want("send", wsSendRecords(conn, 3), 3)
			h.wantsMessages("κόσμε", "", strings.Repeat("x", 500))
			h.want("wrote", wsWrote(conn, 0, page.status.length), 0)
		}
	})
}

// It stops at what is refused, tells how far it came, and goes on behind.
func TestSendRecordsStops(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.seed(abi.Words)
		copy(it.buffer, "abc\xff")
		for name, c := range map[string]struct {
			r    core.Record
			code abi.Code
		}{
			"no UTF-8":       {core.Record{Op: 1, Flags: 3, Addr: h.buffer, Len: 4}, abi.Code(core.ErrInvalidText)},
			"no message":     {core.Record{Op: 9, Flags: 3, Addr: h.buffer, Len: 1}, abi.Code(core.ErrInvalidOpcode)},
			"not the buffer": {core.Record{Op: 2, Flags: 3, Addr: h.buffer - 1, Len: 1}, abi.CodeRange},
			"no flags":       {core.Record{Op: 2, Flags: 7, Addr: h.buffer, Len: 1}, abi.CodeArgument},
		} {
			good := core.Record{Op: 1, Flags: 3, Addr: h.buffer, Len: 3}
			page.records[0], page.records[1], page.records[2], page.records[3] = good, good, c.r, good
			h.want(name, wsSendRecords(conn, 4), 2)
			if page.status.records != 2 {
				t.Errorf("%s: %d records", name, page.status.records)
			}
			h.wantsMessages("abc", "abc")
			page.records[0] = c.r
			h.refused(name, conn, c.code, func() int32 { return wsSendRecords(conn, 2) })
		}
		h.want("no records", wsSendRecords(conn, 0), 0)
	})
}

// Fragments pass as well, and messages behind them.
func TestSendRecordsWithFragments(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.seed(abi.Words)
		copy(it.buffer, "ab")
		for i, flags := range []core.RecordFlags{3, 1, 0, 2, 3} {
			page.records[i] = core.Record{Op: 2, Flags: flags, Addr: h.buffer + uint32(i%2), Len: 1}
		}
		h.want("send", wsSendRecords(conn, 5), 5)
		var ops []byte
		for rest := it.out; len(rest) > 0; {
			head, n, _ := frame.ParseHeader(rest)
			ops = append(ops, rest[0])
			rest = rest[n+int(head.Length):]
		}
		if string(ops) != "\x82\x02\x00\x80\x82" {
			t.Errorf("frames begin with % x", ops)
		}
	})
}

// Output of more than a MiB ends a call.
func TestSendRecordsBoundsItsOutput(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.seed(abi.Words)
		for i := range page.records {
			page.records[i] = core.Record{Op: 2, Flags: 3, Addr: h.buffer, Len: 50_000}
		}
		overhead := uint32(4 + 4*int(role))
		want := (abi.MostSent + 50_000 + overhead - 1) / (50_000 + overhead)
		for range 2 { // with little room, and with room
			h.want("send", wsSendRecords(conn, 64), int(want))
			if page.status.length != want*(50_000+overhead) {
				t.Errorf("%d bytes for %d records", page.status.length, want)
			}
		}
	})
}

func TestHeader(t *testing.T) {
	bothRoles(t, core.Config{}, func(t *testing.T, h *host, role core.Role, conn uint64) {
		h.seed(2)
		h.want("header", wsHeader(conn, 2, 3, 70_000), 10+4*int(role))
		want := frame.Mask{byte(role)}
		if page.status.mask != want {
			t.Errorf("the mask is %v, want %v", page.status.mask, want)
		}
		h.want("output", wsOutput(conn), 0)
	})
}
