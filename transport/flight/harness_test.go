package flight_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

func settings(t testing.TB, c core.Config) *core.Settings {
	t.Helper()
	if c.Entropy == nil {
		c.Entropy = rand.New(rand.NewPCG(1, 2)).Uint32
	}
	s, err := core.NewSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func record(t testing.TB, b flight.Birth, o flight.Options) *flight.Flight {
	t.Helper()
	if b.Settings == nil {
		b.Settings = settings(t, core.Config{})
	}
	f, err := flight.Record(b, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t testing.TB, file []byte) *flight.Recording {
	t.Helper()
	r, err := flight.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// replays checks that a recording replays bit for bit, and returns its steps in
// words.
func replays(t testing.TB, f *flight.Flight) (r *flight.Recording, steps []string) {
	t.Helper()
	r = read(t, f.AppendRecording(nil, ""))
	err := r.Replay(func(s *flight.Step) error {
		steps = append(steps, s.String())
		return nil
	})
	if err != nil {
		t.Fatalf("%v\nafter %q", err, steps[max(0, len(steps)-5):])
	}
	return r, steps
}

// A life is a random sequence of calls, the same for every machine that it is
// made of, and what could be seen of it.
type life struct {
	seed uint64
	m    transport.Machine
	role core.Role
	seen bytes.Buffer

	peer *squeezer // its frames are compressed, if it is there
}

// extension is what a life with a squeezer agrees on in its handshake.
const extension = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12; client_max_window_bits=12\r\n"

// A squeezer compresses what a peer sends, with context takeover and 12 bits.
type squeezer struct {
	c  *compress.Compressor
	w  deflate.Window
	on bool // in the message under way
}

func newSqueezer(t testing.TB) *squeezer {
	c, err := compress.New(12, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &squeezer{c: c, w: deflate.MakeWindow(make([]byte, 4096))}
}

// squeeze compresses a frame, or leaves it as it is.
func (s *squeezer) squeeze(h *frame.Header, p []byte, on bool) []byte {
	if s == nil || h.Opcode.IsControl() {
		return p
	}
	if h.Opcode != frame.Continuation {
		s.on = on
		h.RSV1 = on
	}
	if !s.on {
		return p
	}
	return s.c.Append(nil, &s.w, p, h.Fin)
}

var sampleRequest = "GET /chat?token=sesame HTTP/1.1\r\nHost: server.example.com:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: sid=sesame\r\n" +
	"Sec-WebSocket-Protocol: chat, sesame.v1\r\nOrigin: https://sesame.example\r\n\r\n"

// likely are the opcodes of a life's frames.
var likely = []frame.Opcode{
	frame.Text, frame.Text, frame.Text, frame.Text, frame.Binary, frame.Binary, frame.Ping, frame.Ping, frame.Pong,
}

// run makes n calls.
func (l *life) run(n int, open bool) string {
	rnd := rand.New(rand.NewPCG(l.seed, 7))
	text := func(n int) []byte {
		p := []byte("secret-señal-秘密-🔑 and so on, and so on")
		p = bytes.Repeat(p, n/len(p)+1)[:n]
		if rnd.IntN(60) > 0 {
			return bytes.ToValidUTF8(p, nil)
		}
		return p
	}
	var in, wire []byte
	var now clock.Time
	inMessage := false
	m := l.m
	if !open && l.role == core.Server {
		in = []byte(sampleRequest)
		if l.peer != nil {
			in = bytes.Replace(in, []byte("Cookie:"), []byte(extension+"Cookie:"), 1)
		}
		if rnd.IntN(4) == 0 {
			in = mutate(rnd, in)
		}
	}
	note := func(format string, a ...any) { fmt.Fprintf(&l.seen, format+"\n", a...) }
	for range n {
		now = now.Add(time.Duration(rnd.Int64N(int64(1) << rnd.IntN(34))))
		if rnd.IntN(200) == 0 {
			now = now.Add(-time.Second)
		}
		if rnd.IntN(4) == 0 && m.Open() {
			h := frame.Header{Fin: rnd.IntN(3) > 0, Opcode: likely[rnd.IntN(len(likely))]}
			if inMessage && h.Opcode.IsData() {
				h.Opcode = frame.Continuation
			}
			if !h.Opcode.IsControl() {
				inMessage = !h.Fin
			}
			switch rnd.IntN(100) {
			case 0:
				h.Opcode = frame.Opcode(rnd.IntN(16))
			case 1:
				h.Opcode = frame.Close
			}
			if l.role == core.Server {
				h.Masked, h.Mask = true, frame.Mask{1, 2, 3, byte(rnd.Uint32())}
			}
			payload := text(rnd.IntN(1 << rnd.IntN(11)))
			if h.Opcode.IsControl() {
				h.Fin = true
				payload = payload[:min(len(payload), 100)]
			}
			if h.Opcode == frame.Close {
				payload = append([]byte{3, 0xe8 + byte(rnd.IntN(10))}, payload...)
			}
			if l.peer != nil {
				payload = l.peer.squeeze(&h, payload, rnd.IntN(4) > 0)
			}
			in = frame.AppendFrame(in, h, payload)
			if rnd.IntN(500) == 0 {
				in = mutate(rnd, in)
			}
		}
		var out []byte
		var err error
		switch rnd.IntN(16) {
		case 0, 1, 2, 3, 4, 5:
			piece := bytes.Clone(in[:rnd.IntN(len(in)+1)])
			if rnd.IntN(2) == 0 {
				piece = bytes.Clone(in)
			}
			scratch := make([]byte, core.ScratchSize)
			if l.peer != nil {
				scratch = make([]byte, core.ScratchSize+1+rnd.IntN(1<<rnd.IntN(17)))
			}
			for {
				k, ev := m.Recv(now, piece, scratch)
				if ev.Kind == core.EventNone {
					note("none")
				}
				note("%v %v %v %v %v %q", ev.Kind, ev.Op, ev.First, ev.Last, ev.Code, ev.Data)
				piece, in = piece[k:], in[k:]
				out = m.AppendOutput(out)
				wire = append(wire, out...)
				if ev.Kind == core.EventNone {
					break
				}
			}
		case 6:
			if rnd.IntN(80) == 0 {
				note("%+v", m.RecvEOF(now))
			}
		case 7:
			if rnd.IntN(150) == 0 {
				note("%+v", m.Lost(now))
			}
		case 8:
			note("%+v", m.Tick(now))
		case 9:
			m.SetReading(now, rnd.IntN(4) > 0)
			m.SetReadAhead(now, rnd.IntN(2) > 0)
		case 10:
			m.Wrote(now, rnd.IntN(5000)-3)
		case 11:
			out, err = m.AppendMessage(nil, frame.Opcode(1+rnd.IntN(2)), text(rnd.IntN(1<<rnd.IntN(14))))
		case 12:
			out, err = m.AppendFragment(nil, frame.Opcode(rnd.IntN(3)), text(rnd.IntN(300)), rnd.IntN(3) == 0)
		case 13:
			out, _, err = m.AppendHeader(nil, frame.Binary, core.HeaderOptions{}, rnd.IntN(1000))
		case 14:
			out, err = m.AppendPing(nil, text(rnd.IntN(120)))
		case 15:
			if rnd.IntN(60) == 0 {
				out, err = m.AppendClose(now, nil, frame.CloseCode(995+rnd.IntN(20)), string(text(rnd.IntN(60))))
			}
			if m.Request() != nil && rnd.IntN(2) == 0 {
				err = m.Accept(now, core.AcceptOptions{Subprotocol: "sesame.v1", Header: []core.Field{{Name: "Set-Cookie", Value: "sesame"}}})
			}
			if m.Request() != nil && rnd.IntN(20) == 0 {
				err = m.Reject(now, core.RejectOptions{Header: []core.Field{{Name: "Set-Cookie", Value: "sesame"}}, Body: []byte("secret")})
			}
		}
		if key := keyIn(wire); key != "" && l.role == core.Client && m.Response() == nil && !open {
			open = true
			answer := answerTo(key)
			if l.peer != nil {
				answer = strings.Replace(answer, "Set-Cookie:", extension+"Set-Cookie:", 1)
			}
			in = append(in, answer...)
			if rnd.IntN(4) == 0 {
				in = mutate(rnd, in)
			}
		}
		at, why := m.Deadline()
		note("%q %v %v %v %v %v %v", out, err, at, why, m.Transport(), m.Open(), m.Err())
	}
	return l.seen.String()
}

// keyIn returns the key of a request that was written.
func keyIn(wire []byte) string {
	_, key, _ := strings.Cut(string(wire), "Sec-WebSocket-Key: ")
	key, _, _ = strings.Cut(key, "\r\n")
	return key
}

func answerTo(key string) string {
	return "HTTP/1.1 103 Early secret\r\nX: secret\r\n\r\nHTTP/1.1 101 Switching secret\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		core.AcceptKey(key) + "\r\nSec-WebSocket-Protocol: sesame.v1\r\nSet-Cookie: sesame=1\r\n\r\n"
}

func mutate(rnd *rand.Rand, p []byte) []byte {
	if len(p) > 0 {
		p[rnd.IntN(len(p))] ^= 1 << rnd.IntN(8)
	}
	return p
}
