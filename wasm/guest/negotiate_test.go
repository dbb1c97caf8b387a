package main

import (
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// For hosts whose handshakes are done elsewhere: a client's offers, a server's answer,
// and what the client makes of it.
func TestNegotiate(t *testing.T) {
	h := newHost(t, compressing())
	if wsOffers(h.settings) <= 0 {
		t.Fatal("nothing is offered")
	}
	offers := string(it.out)
	if want := "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12, "; !strings.HasPrefix(offers, want) {
		t.Errorf("%s, want it to begin with %s", offers, want)
	}
	h.want("agreed", wsNegotiate(h.lent(offers)), int(withTakeover))
	answer := string(it.out)
	h.want("agreed", wsChosen(h.lent(answer)), int(withTakeover))

	h.want("an offer that limits nothing", wsNegotiate(h.lent("x; y=1, permessage-deflate")), int(abi.AgreementOf(&deflate.Params{SendBits: 12, ReceiveBits: 15, SendTakeover: true})))
	for _, offer := range []string{"", "x", "permessage-deflate; nonsense", ";", "\xff\x00"} {
		h.want("nothing for "+offer, wsNegotiate(h.lent(offer)), 0)
		if len(it.out) > 0 {
			t.Errorf("%q is answered with %q", offer, it.out)
		}
	}
	h.want("no answer", wsChosen(h.lent("")), 0)
	for _, answer := range []string{"x", ";", "permessage-deflate; nonsense", "permessage-deflate, permessage-deflate"} {
		h.want(answer, wsChosen(h.lent(answer)), -int(core.ErrResponseExtension))
	}
	plain := h.makeSettings(core.Config{})
	h.want("no offers", wsOffers(plain), 0)
	for _, call := range []func(uint64, uint32, uint32) int32{wsNegotiate, wsChosen} {
		h.want("no settings", call(99, h.buffer, 1), -int(abi.CodeHandle))
		h.want("nowhere", call(h.settings, h.buffer-1, 1), -int(abi.CodeRange))
		h.want("too much", call(h.settings, h.buffer, uint32(len(it.buffer))+1), -int(abi.CodeRange))
	}
	h.want("no settings", wsOffers(99), -int(abi.CodeHandle))
	it.held = it.memory / 2
	h.want("no memory", wsNegotiate(h.lent(offers)), -int(abi.CodeLimit))
}

// lent returns the arguments of a call about s.
func (h *host) lent(s string) (settings uint64, ptr, n uint32) {
	ptr, n = h.lend([]byte(s))
	return h.settings, ptr, n
}
