package core

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/internal/digest"
)

// A rechunkEnd is one of the four ends that input is cut for.
type rechunkEnd struct {
	role      Role
	handshake bool
}

func (r rechunkEnd) new(t testing.TB) *end {
	cfg := Config{Pings: PingAnswer, MaxMessageSize: 1000, MaxFrameSize: 600, MaxFragments: 20, MaxControlRate: 50, MaxHeadBytes: 1000}
	switch {
	case !r.handshake:
		return openedWith(t, r.role, cfg)
	case r.role == Server:
		return newTestServer(t, cfg)
	}
	e := newTestClient(t, cfg, RequestOptions{})
	e.drain()
	return e
}

// feed passes in to e in pieces whose lengths cut tells, accepts the handshake
// where one is asked for, and drains the output after each call.
func (e *end) feed(in string, cut func() int) {
	held := "" // what a call has not consumed
	for in != "" || held != "" {
		n := min(cut(), len(in))
		held, in = held+in[:n], in[n:]
		for {
			k, more := e.recvOnce(held)
			held = held[k:]
			if e.awaitsAnswer() {
				e.accept(AcceptOptions{})
			} else if !more {
				break
			}
		}
		if held != "" {
			e.t.Fatalf("no event, yet %d bytes of input are left", len(held))
		}
	}
}

// checkRechunk compares what comes of in when it is passed whole and in pieces, and
// returns it.
func checkRechunk(t testing.TB, r rechunkEnd, in string, cut func() int) (seen string) {
	t.Helper()
	whole, cutUp := r.new(t), r.new(t)
	whole.feed(in, func() int { return len(in) })
	cutUp.feed(in, cut)
	if a, b := strings.Join(whole.events, "|"), strings.Join(cutUp.events, "|"); a != b {
		t.Fatalf("%+v: events of %q\nwhole  %q\npieces %q", r, in, a, b)
	}
	if whole.output != cutUp.output {
		t.Fatalf("%+v: output for %q\nwhole  %q\npieces %q", r, in, whole.output, cutUp.output)
	}
	if a, b := dumpOf(whole.Conn), dumpOf(cutUp.Conn); a != b {
		t.Fatalf("%+v: state after %q\nwhole  %spieces %s", r, in, a, b)
	}
	return fmt.Sprintf("%q %q %s", whole.events, whole.output, dumpOf(whole.Conn))
}

// conversation returns a random stream of frames that break no rule, as it
// would be unmasked.
func conversation(rnd *rand.Rand) string {
	texts := []string{"", "a", "Hello", "κόσμε", "€😀", strings.Repeat("é", 80), pattern(300)}
	var out []byte
	add := func(op frame.Opcode, fin bool, p string) {
		out = frame.AppendFrame(out, frame.Header{Fin: fin, Opcode: op}, []byte(p))
	}
	for range 1 + rnd.IntN(6) {
		switch rnd.IntN(6) {
		case 0:
			add(frame.Ping, true, pattern(rnd.IntN(126)))
		case 1:
			add(frame.Pong, true, pattern(rnd.IntN(126)))
		case 2:
			add(frame.Binary, true, pattern(rnd.IntN(600)))
		default:
			text := texts[rnd.IntN(len(texts))]
			op := frame.Text
			for rnd.IntN(3) > 0 {
				n := rnd.IntN(len(text) + 1)
				add(op, false, text[:n])
				text, op = text[n:], frame.Continuation
				if rnd.IntN(3) == 0 {
					add(frame.Ping, true, text[:min(len(text), 100)])
				}
			}
			add(op, true, text)
		}
	}
	if rnd.IntN(2) == 0 {
		out = append(out, "\x88\x05\x03\xe8bye"...)
	}
	return string(out)
}

func prologue(t testing.TB, r rechunkEnd) string {
	switch {
	case !r.handshake:
		return ""
	case r.role == Server:
		return sampleGET + "\r\n"
	}
	return "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + answerTo(t, r.new(t))
}

var rechunkEnds = []rechunkEnd{{Server, false}, {Client, false}, {Server, true}, {Client, true}}

// Any cutting of any input gives the same events, output and state: valid
// conversations and mutated ones, with and without the handshake.
func TestRechunking(t *testing.T) {
	seen := digest.Of(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		for _, r := range rechunkEnds {
			in := []byte(prologue(t, r) + from(r.role.peer(), conversation(rnd)))
			for range 4 {
				seen.Add(checkRechunk(t, r, string(in), func() int { return 1 }))
				widest := 1 + rnd.IntN(50)
				checkRechunk(t, r, string(in), func() int { return 1 + rnd.IntN(widest) })
				in[rnd.IntN(len(in))] ^= 1 << rnd.IntN(8)
			}
		}
	}
}

func FuzzRechunk(f *testing.F) {
	seen := digest.Of(f)
	f.Add(byte(0), []byte{1}, []byte(masked("\x01\x03\xe2\x82\xac\x89\x02pp\x80\x00\x88\x02\x03\xe8")))
	f.Add(byte(1), []byte{2, 3}, []byte("\x81\x03\xe2\x82\xac\x8a\x01a\x82\x7e\x01\x00"+pattern(256)))
	f.Add(byte(2), []byte{7}, []byte(sampleGET+"\r\n"+masked("\x81\x02hi")))
	f.Add(byte(3), []byte{5}, []byte("HTTP/1.1 100 Continue\r\n\r\n"+sample101))
	f.Fuzz(func(t *testing.T, which byte, cuts, in []byte) {
		i := 0
		cut := func() int {
			if len(cuts) == 0 {
				return 1
			}
			i++
			return 1 + int(cuts[i%len(cuts)])
		}
		r := rechunkEnds[which&3]
		rest := string(in)
		if which&4 != 0 {
			rest = prologue(t, r) + from(r.role.peer(), rest)
		}
		seen.Add(checkRechunk(t, r, rest, cut))
	})
}
