package core

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
)

// precompressed returns p as AppendCompressed wants it.
func precompressed(t testing.TB, bits uint8, p string) []byte {
	t.Helper()
	c, err := compress.New(bits, 1)
	if err != nil {
		t.Fatal(err)
	}
	return c.Append(nil, nil, []byte(p), true)
}

// What was compressed for many arrives between what was compressed for one, on
// connections of any policy: what follows may refer to it.
func TestPrecompressedMessages(t *testing.T) {
	for _, policy := range append(policies(t), nil) {
		client, server := shakeHands(t, policy, policy)
		for i := range 12 {
			m := fmt.Sprintf("%d: %s", i/4, strings.Repeat("the same and the same, ", 1+50*(i%4)))
			from, to := client, server
			if i%3 == 0 {
				from, to = server, client
			}
			var wire []byte
			var err error
			if i%2 == 0 {
				wire, err = from.AppendCompressed(nil, frame.Text, []byte(m), precompressed(t, 8, m))
			} else {
				wire, err = from.AppendMessage(nil, frame.Text, []byte(m))
			}
			if err != nil {
				t.Fatal(err)
			}
			if compressed := wire[0]&0x40 != 0; compressed != (policy != nil) {
				t.Fatalf("message %d: compressed is %t", i, compressed)
			}
			to.recvRaw(string(wire))
			if len(to.events) != 1 || to.events[0] != "text "+m {
				t.Fatalf("%+v: message %d came as %.100q, %v", policy, i, to.events, to.Err())
			}
			to.events = nil
		}
	}
}

// The frame is that of RFC 7692 section 7.2.3.1.
func TestPrecompressedBytes(t *testing.T) {
	e := deflating(t, Server, compressing(t), whole)
	wire, err := e.AppendCompressed([]byte("before"), frame.Text, []byte("Hello"), []byte("\xf2\x48\xcd\xc9\xc9\x07\x00"))
	if err != nil || string(wire) != "before\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00" {
		t.Errorf("% x, %v", wire, err)
	}
}

func TestPrecompressedMisuse(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := deflating(t, role, compressing(t), whole)
		try := func(op frame.Opcode, want error) {
			t.Helper()
			if wire, err := e.AppendCompressed(nil, op, []byte("Hello"), precompressed(t, 8, "Hello")); !errors.Is(err, want) || len(wire) > 0 {
				t.Errorf("% x, %v; want %v", wire, err, want)
			}
		}
		try(frame.Ping, ErrInvalidOpcode)
		try(frame.Continuation, ErrInvalidOpcode)
		if _, err := e.AppendFragment(nil, frame.Text, []byte("a"), false); err != nil {
			t.Fatal(err)
		}
		try(frame.Text, ErrMessageInProgress)
		if _, err := e.AppendClose(0, nil, frame.NormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		try(frame.Ping, ErrCloseSent)
	})
}
