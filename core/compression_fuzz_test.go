package core

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// deliver has e take the wire in pieces of these sizes, with these sizes of scratch,
// and returns the messages that came.
func deliver(t *testing.T, e *end, wire []byte, size func() int) (messages [][]byte) {
	t.Helper()
	var message []byte
	for in := wire; ; {
		piece := in[:min(size(), len(in))]
		n, ev := e.Recv(0, piece, make([]byte, ScratchSize+size()))
		in = in[n:]
		if ev.Kind == EventFailed {
			t.Fatalf("%v of %x", e.Err(), wire)
		}
		if ev.Kind == EventMessage {
			if ev.First != (message == nil) {
				t.Fatalf("first is %t behind %d bytes", ev.First, len(message))
			}
			message = append(append(message, ev.Data...), 'x')[:len(message)+len(ev.Data)]
			if ev.Last {
				messages = append(messages, message)
				message = nil
			}
		}
		if ev.Kind == EventNone && len(in) == 0 {
			return messages
		}
	}
}

// FuzzCompressed has two sides with any policies send each other any messages, in any
// fragments and pieces: what is sent comes out, and nothing that was lent is kept.
func FuzzCompressed(f *testing.F) {
	f.Add([]byte{1, 2, 0, 3, 9, 40, 7, 1, 0, 2, 30, 80, 3, 1}, []byte("hello, hello, and hello again, hello and good bye and hello"))
	rnd := rand.New(rand.NewPCG(1, 7))
	for range 20 {
		choices := make([]byte, 200)
		for i := range choices {
			choices[i] = byte(rnd.Uint32())
		}
		f.Add(choices, bytes.Repeat([]byte("abcdefgh-"), 300))
	}
	f.Fuzz(func(t *testing.T, given, text []byte) {
		choices := script(given)
		if len(choices) > 200 || len(text) > 1<<14 {
			return
		}
		lend := newLender(t)
		policy := func() *Compression {
			a, b := choices.next(), choices.next()
			return &Compression{SendWindowBits: 8 + a%8, ReceiveWindowBits: 8 + a/8%8, NoSendTakeover: b&1 != 0, NoReceiveTakeover: b&2 != 0, Threshold: b/4 - 1, Lend: lend}
		}
		client, server := shakeHands(t, policy(), policy())
		size := func() int { return 1 + choices.next()*choices.next()/4 }
		for len(choices) > 0 {
			from, to := client, server
			if choices.next()%2 == 0 {
				from, to = server, client
			}
			start := len(text) * choices.next() / 256
			p := text[start:min(len(text), start+size())]
			var wire []byte
			var err error
			for rest := p; ; {
				n := min(size(), len(rest))
				last := n == len(rest)
				if wire, err = from.AppendFragment(wire, frame.Binary, rest[:n], last); err != nil {
					t.Fatal(err)
				}
				if rest = rest[n:]; last {
					break
				}
				if choices.next()%4 == 0 {
					if wire, err = from.AppendPing(wire, rest[:min(len(rest), 10)]); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := deliver(t, to, wire, size); len(got) != 1 || !bytes.Equal(got[0], p) {
				t.Fatalf("%d bytes came as %d messages: %.60x", len(p), len(got), got)
			}
			if lend.out != 0 {
				t.Fatalf("%d things that were lent have not come back", lend.out)
			}
			from.Wrote(0, 1<<20)
			to.AppendOutput(nil)
		}
	})
}
