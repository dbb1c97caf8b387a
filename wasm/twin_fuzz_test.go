package wasm_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A tape decides what is called, in what order, with what arguments. Read to its
// end it gives zeros.
type tape []byte

func (s *tape) next() int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b)
}

func (s *tape) bytes() []byte {
	n := s.next()
	if n > 200 {
		n *= 40
	}
	p := make([]byte, min(n, 16*len(*s)))
	for i := range p {
		p[i] = (*s)[i%len(*s)] + byte(i/len(*s))
	}
	*s = (*s)[min(len(*s), min(n, 32)):]
	return p
}

const upgrade = "GET /x?y HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: b, c\r\nX-Long: 0123456789\r\n"

// birth makes the first choices of a tape.
func (s *tape) birth(t testing.TB) flight.Birth {
	b := s.next()
	seed := uint64(s.next())
	rnd := rand.New(rand.NewPCG(seed, 1))
	c := core.Config{
		Pings: core.PingPolicy(b >> 2 % 3), MaxMessageSize: 100_000, MaxFragments: 10, MaxControlRate: 20, MaxHeadBytes: 2000,
		Entropy: rnd.Uint32,
	}
	if b&32 != 0 {
		c.PongTimeout, c.CloseTimeout = 3*time.Second, -1
	}
	if b&64 != 0 {
		c.PingInterval, c.ConnectionTimeout, c.MaxFrameSize = -1, 2*time.Second, 300
	}
	c.Compression = s.compression()
	return flight.Birth{
		Role: core.Role(b & 1), Open: b&2 != 0, Settings: settings(t, c), Compression: s.agreed(c.Compression, b&2 != 0),
		Request: core.RequestOptions{Host: "a", Target: "/x", Subprotocols: []string{"b", "c"}, Header: []core.Field{{Name: "X-Y", Value: "z"}}},
	}
}

var pool compress.Pool

// compression chooses whether messages are compressed, and how.
func (s *tape) compression() *core.Compression {
	z := s.next()
	if z&1 == 0 {
		return nil
	}
	return &core.Compression{
		SendWindowBits: s.bits(), ReceiveWindowBits: s.bits(), NoSendTakeover: z&2 != 0, NoReceiveTakeover: z&4 != 0,
		Level: z >> 3 % 10, Threshold: z>>7*20 - 1, Lend: &pool,
	}
}

func (s *tape) bits() int {
	return deflate.MinWindowBits + s.next()%(deflate.MaxWindowBits-deflate.MinWindowBits+1)
}

// agreed chooses what has been agreed on elsewhere, often nothing.
func (s *tape) agreed(z *core.Compression, open bool) *deflate.Params {
	how := s.next()
	if z == nil || !open || how&3 == 0 {
		return nil
	}
	return &deflate.Params{SendBits: uint8(s.bits()), ReceiveBits: uint8(s.bits()), SendTakeover: how&4 != 0, ReceiveTakeover: how&8 != 0}
}

// offers chooses what a client offers in Sec-WebSocket-Extensions.
func (s *tape) offers() string {
	return [...]string{
		"", "permessage-deflate", "permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
		"x, permessage-deflate; client_no_context_takeover", "permessage-deflate; server_no_context_takeover, permessage-deflate", "permessage-deflate; nonsense",
	}[s.next()%7]
}

// step makes one call.
func (s *tape) step(m *twin, now clock.Time) clock.Time {
	op, arg := s.next(), s.next()
	now = now.Add([...]time.Duration{0, 1, time.Millisecond, 500 * time.Millisecond, time.Second, 7 * time.Second, time.Minute, -time.Second}[op>>4&7])
	switch op % 16 {
	case 0:
		in := s.bytes()
		if arg%4 == 0 && m.Role() == core.Server {
			in = []byte(upgrade + "\r\n")
			if offers := s.offers(); offers != "" {
				in = []byte(upgrade + "Sec-WebSocket-Extensions: " + offers + "\r\n\r\n")
			}
		}
		scratch := make([]byte, arg%(core.ScratchSize+1))
		if _, ok := m.Compression(); ok {
			scratch = make([]byte, core.ScratchSize+1+arg)
		}
		m.Recv(now, in, scratch)
	case 1, 2, 3:
		s.recvFrames(m, now, arg)
	case 4:
		if arg%8 == 0 {
			m.RecvEOF(now)
		} else if arg%8 == 1 && arg > 128 {
			m.Lost(now)
		}
	case 5:
		m.Tick(now)
	case 6:
		m.SetReading(now, arg&1 == 0)
	case 7:
		m.SetReadAhead(now, arg&1 == 0)
	case 8:
		m.Wrote(now, 10*arg-30)
	case 9:
		m.AppendOutput(nil)
	case 10:
		if p := s.bytes(); arg < 240 {
			m.AppendMessage(nil, frame.Opcode(arg&3), p)
		} else {
			d := pool.Deflater(deflate.MinWindowBits, 1)
			m.AppendCompressed(nil, frame.Opcode(arg&3), p, d.Deflate(nil, p, true))
			pool.ReturnDeflater(deflate.MinWindowBits, 1, d)
		}
	case 11:
		m.AppendFragment(nil, frame.Opcode(arg&3), s.bytes(), arg&4 != 0)
	case 12:
		m.AppendHeader(nil, frame.Opcode(arg&0x13), core.HeaderOptions{More: arg&4 != 0}, arg*1000-5000)
	case 13:
		if arg&1 == 0 {
			m.AppendPing(nil, s.bytes())
		} else {
			m.AppendPong(nil, s.bytes())
		}
	case 14:
		m.AppendClose(now, nil, frame.CloseCode(997+arg), string(s.bytes()))
	case 15:
		s.answer(m, now, arg)
	}
	return now
}

// recvFrames gives frames that a peer could send, as the caller of a core does: until
// all is taken.
func (s *tape) recvFrames(m *twin, now clock.Time, arg int) {
	var in []byte
	for range 1 + arg>>6 {
		h := frame.Header{Fin: arg&0x10 == 0, Opcode: frame.Opcode([...]int{1, 1, 2, 2, 0, 9, 10, 8, 1, 2, 0, 9, 10, 8, 3, 1}[s.next()&15])}
		if m.Role() == core.Server {
			h.Masked, h.Mask = true, frame.Mask{1, 2, 3, byte(arg)}
		}
		p := s.bytes()
		if arg&0x20 != 0 {
			for i := range p {
				p[i] &= 0x7F
			}
		}
		h.RSV1, p = s.deflated(m, h, p)
		in = frame.AppendFrame(in, h, p)
	}
	scratch := make([]byte, core.ScratchSize+1+arg*300)
	for range 20 {
		n, ev := m.Recv(now, in, scratch)
		if in = in[n:]; ev.Kind == core.EventNone {
			return
		}
		if arg&1 == 0 {
			m.AppendOutput(nil)
		}
	}
}

// deflated is what a peer that compresses makes of the payload p of a frame, if it does.
func (s *tape) deflated(m *twin, h frame.Header, p []byte) (first bool, _ []byte) {
	agreed, ok := m.Compression()
	if how := s.next(); !ok || how&3 == 0 || h.Opcode.IsControl() {
		return ok && how == 4, p
	} else if how > 250 {
		return h.Opcode != frame.Continuation, p // it is anything but compressed
	}
	if m.peer.Size() == 0 {
		m.peer = deflate.MakeWindow(make([]byte, 1<<agreed.ReceiveBits))
	}
	if !agreed.ReceiveTakeover && h.Opcode != frame.Continuation {
		m.peer.Clear()
	}
	d := pool.Deflater(agreed.ReceiveBits, 1)
	defer pool.ReturnDeflater(agreed.ReceiveBits, 1, d)
	return h.Opcode != frame.Continuation, append([]byte(nil), d.Deflate(&m.peer, p, h.Fin)...)
}

func (s *tape) answer(m *twin, now clock.Time, arg int) {
	var header []core.Field
	if arg&8 != 0 {
		header = []core.Field{{Name: "X-Some", Value: fmt.Sprint(arg)}}
	}
	if arg&1 == 0 {
		m.Accept(now, core.AcceptOptions{Subprotocol: [...]string{"", "b", "d"}[arg>>1%3], Header: header})
	} else {
		m.Reject(now, core.RejectOptions{Status: 380 + arg, Header: header, Body: s.bytes()})
	}
}

func (s tape) run(t testing.TB) {
	m, err := newTwin(host(t), s.birth(t), func(d string) { t.Fatal(d) })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	now := clock.Time(0)
	for len(s) > 0 {
		now = s.step(m, now)
	}
}

func randomTape(rnd *rand.Rand, n int) tape {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rnd.Uint32())
		if rnd.IntN(4) == 0 {
			p[i] &= 0x1F
		}
	}
	return p
}

// FuzzTwins makes any calls in any order of the native core and of one in
// WebAssembly: they answer alike and are alike afterwards.
func FuzzTwins(f *testing.F) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for i := range 40 {
		p := randomTape(rnd, 300)
		p[0] = byte(i)
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= 5000 {
			tape(data).run(t)
		}
	})
}

func TestTwins(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 500 {
		randomTape(rnd, rnd.IntN(600)).run(t)
	}
}
