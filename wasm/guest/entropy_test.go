package main

import (
	"bytes"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// A call that lacks words is refused, tells how many it needs, and does with them what
// it would have done at once.
func TestEntropyLacking(t *testing.T) {
	records := func() {
		for i := range 4 {
			page.records[i] = core.Record{Op: frame.Binary, Flags: 3, Addr: it.buffer0(), Len: uint32(i)}
		}
	}
	for name, tt := range map[string]struct {
		words int
		call  func(h *host, c uint64) int32
	}{
		"send":         {1, func(h *host, c uint64) int32 { return wsSend(c, 2, 3, h.buffer, 5) }},
		"fragment":     {1, func(h *host, c uint64) int32 { return wsSend(c, 1, 1, h.buffer, 5) }},
		"send records": {4, func(h *host, c uint64) int32 { records(); return wsSendRecords(c, 4) }},
		"header":       {1, func(h *host, c uint64) int32 { return wsHeader(c, 2, 3, 70000) }},
		"ping":         {1, func(h *host, c uint64) int32 { return wsPing(c, h.buffer, 5) }},
		"pong":         {1, func(h *host, c uint64) int32 { return wsPong(c, h.buffer, 125) }},
		"close":        {1, func(h *host, c uint64) int32 { return wsClose(c, 0, 1000, h.buffer, 5) }},
		"recv": {2, func(h *host, c uint64) int32 {
			in := append(wire(core.Client, frame.Ping, true, "a"), wire(core.Client, frame.Ping, true, "b")...)
			return h.recv(c, in, 4, abi.TakeOutput)
		}},
		"the end of a ping": {1, func(h *host, c uint64) int32 {
			return h.recv(c, wire(core.Client, frame.Ping, true, "abcd")[4:], 4, abi.TakeOutput)
		}},
	} {
		h := newHost(t, core.Config{})
		c := h.open(core.Client)
		if name == "the end of a ping" {
			h.recv(c, wire(core.Client, frame.Ping, true, "abcd")[:4], 4, abi.TakeOutput)
		}
		copy(it.buffer, "Hello")
		h.seed(tt.words - 1)
		h.refused(name, c, abi.CodeEntropy, func() int32 { return tt.call(h, c) })
		if page.next != 0 || page.end != uint32(tt.words-1) {
			t.Errorf("%s: words from %d to %d are left of %d", name, page.next, page.end, tt.words-1)
		}
		copy(it.buffer, "Hello")
		tt.call(h, c)
		if page.status.wanted != uint32(tt.words) {
			t.Errorf("%s: %d words are wanted, want %d", name, page.status.wanted, tt.words)
		}
		h.seed(tt.words)
		copy(it.buffer, "Hello")
		if r := tt.call(h, c); r < 0 || page.next != uint32(tt.words) {
			t.Errorf("%s: %d with %d words, up to %d", name, r, tt.words, page.next)
		}
		if name == "the end of a ping" && len(it.out) != 6+len("abcd") {
			t.Errorf("the pong of a ping of 4 bytes takes %d", len(it.out))
		}
	}
}

// An attempt that a panic has cut off is not undone by the next call.
func TestAttemptsDoNotOutliveTheirCall(t *testing.T) {
	h := newHost(t, core.Config{})
	c := h.open(core.Server)
	it.attempt.under, it.attempt.lacking = true, 1
	h.want("a fragment", wsSend(c, 2, 1, h.buffer, 1), 3)
	h.want("the last one", wsSend(c, 0, 2, h.buffer, 1), 3)
}

func (x *instance) buffer0() uint32 { return addressOf(x.buffer) }

func TestMaskIsTheNextWord(t *testing.T) {
	h := newHost(t, core.Config{})
	c := h.open(core.Client)
	page.words[0], page.words[1], page.next, page.end = 9, 0x04030201, 1, 2
	copy(it.buffer, "a")
	h.want("send", wsSend(c, 2, 3, h.buffer, 1), 7)
	if want := "\x82\x81\x01\x02\x03\x04`"; string(it.out) != want {
		t.Errorf("%q, want %q", it.out, want)
	}
}

func TestBirthOfAClientNeedsWords(t *testing.T) {
	h := newHost(t, core.Config{})
	ptr, n := h.lend(abi.AppendClient(nil, core.RequestOptions{Host: "a"}))
	h.seed(3)
	h.want("a client with three words", int32(wsClient(h.settings, 0, ptr, n)), -int(abi.CodeEntropy))
	if page.status.wanted != abi.EntropyOfBirth || page.status.connections != 0 {
		t.Errorf("%+v", page.status)
	}
	h.seed(4)
	c := h.handle(wsClient(h.settings, 0, ptr, n))
	if page.next != 4 || wsOutput(c) <= 0 || !bytes.Contains(it.out, []byte("Sec-WebSocket-Key: AAAAAQAAAAIAAAADAAAABA==\r\n")) {
		t.Errorf("word %d is next; the request is\n%s", page.next, it.out)
	}
}

// What the host says of the words is not trusted.
func TestEntropyBounds(t *testing.T) {
	h := newHost(t, core.Config{})
	c := h.open(core.Client)
	for _, bounds := range [][2]uint32{{0, 0}, {5, 5}, {6, 5}, {abi.Words, abi.Words}, {abi.Words, 1<<32 - 1}, {1<<32 - 1, 1<<32 - 1}, {1<<32 - 1, 0}} {
		page.next, page.end = bounds[0], bounds[1]
		h.want("send without words", wsSend(c, 2, 3, h.buffer, 0), -int(abi.CodeEntropy))
		if page.status.wanted != 1 {
			t.Errorf("%v: %d words are wanted", bounds, page.status.wanted)
		}
	}
	page.next, page.end = abi.Words-1, 1<<32-1
	h.want("send with the last word", wsSend(c, 2, 3, h.buffer, 0), 6)
}

func TestSeed(t *testing.T) {
	h := newHost(t, core.Config{})
	h.want("two words and a half", wsSeed(h.lend([]byte("\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00"))), 2)
	h.want("one more", wsSeed(h.lend([]byte("\x04\x03\x02\x01"))), 3)
	page.next = 2
	h.want("none more, two used", wsSeed(h.buffer, 0), 1)
	if page.words[0] != 0x01020304 || page.next != 0 {
		t.Errorf("word %d is next, the first is %x", page.next, page.words[0])
	}
	h.want("more than there is room for", wsSeed(h.buffer, 4*abi.Words), abi.Words)
	h.want("out of the buffer", wsSeed(h.buffer-1, 4), -int(abi.CodeRange))
}
