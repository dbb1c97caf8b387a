package main

import (
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// A record without compression is as it was, and one with it says what it is about.
func TestSettingsRecords(t *testing.T) {
	h := newHost(t, core.Config{})
	h.want("defaults", wsDefaults(h.buffer), abi.SettingsSize)
	if it.plain != nil {
		t.Error("there is memory for what is decompressed, which nothing is")
	}
	longer := func(send, receive, flags, level uint32, threshold uint64) int64 {
		p := it.buffer[:abi.CompressedSize]
		abi.PutUint32(p, abi.CompressedSize)
		abi.PutUint32(p[88:], send)
		abi.PutUint32(p[92:], receive)
		abi.PutUint32(p[96:], flags)
		abi.PutUint32(p[100:], level)
		abi.PutUint64(p[104:], threshold)
		return wsSettings(h.buffer, abi.CompressedSize)
	}
	h.want("nothing", wsOffers(h.handle(longer(0, 0, 0, 0, 0))), 0)
	h.want("nothing, whatever the level", wsOffers(h.handle(longer(0, 0, 3, 1, 64))), 0)
	if it.plain != nil {
		t.Error("there is memory for what is decompressed, which nothing is")
	}
	if wsOffers(h.handle(longer(8, 15, 0, 9, 0))) <= 0 || !strings.HasPrefix(string(it.out), "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=8") {
		t.Errorf("%q is offered", it.out)
	}
	if len(it.plain) != core.ScratchSize+abi.PlainSize {
		t.Errorf("%d bytes for what is decompressed", len(it.plain))
	}
	h.handle(longer(12, 12, 3, 1, 1<<64-1))
	for field, made := range map[string]func() int64{
		"SendWindowBits":    func() int64 { return longer(7, 12, 3, 1, 64) },
		"ReceiveWindowBits": func() int64 { return longer(12, 16, 3, 1, 64) },
		"Takeover":          func() int64 { return longer(12, 12, 4, 1, 64) },
		"Level":             func() int64 { return longer(12, 12, 3, 10, 64) },
		"WindowBits":        func() int64 { return longer(0, 12, 3, 1, 64) },
		".Level":            func() int64 { return longer(12, 12, 3, 0, 64) },
		"size":              func() int64 { longer(12, 12, 3, 1, 64); return wsSettings(h.buffer, abi.CompressedSize-1) },
		"size ":             func() int64 { longer(12, 12, 3, 1, 64); return wsSettings(h.buffer, abi.SettingsSize) },
	} {
		h.want(field, int32(made()), -int(abi.CodeSettings))
		if !strings.Contains(string(it.out), field) {
			t.Errorf("%s: it says %q", field, it.out)
		}
	}
}
