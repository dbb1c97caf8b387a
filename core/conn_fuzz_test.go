package core

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/internal/digest"
)

// A script decides everything in a run: the role, the settings, the calls,
// their order and their arguments. Read to its end it gives zeros.
type script []byte

func (s *script) next() int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b)
}

func (s *script) bytes(n int) []byte {
	n = min(n, len(*s))
	p := bytes.Clone((*s)[:n])
	*s = (*s)[n:]
	return p
}

// A step is one call with its arguments. It may be made on several
// connections: it keeps nothing of theirs.
type step struct {
	op, arg int
	now     clock.Time
	data    []byte
}

// do makes the call and returns the output that it appended, and what else
// can be seen of it.
func (s step) do(c *Conn) (out []byte, seen string) {
	var err error
	var ev Event
	n := 0
	switch s.op % 16 {
	case 0, 1:
		n, ev = c.Recv(s.now, bytes.Clone(s.data), make([]byte, s.arg%(ScratchSize+1)))
	case 2:
		in, records := bytes.Clone(s.data), [1]Record{}
		if n, _ = c.RecvRecords(s.now, in, 0, records[:]); n > 0 {
			return nil, fmt.Sprintf("%d %+v %q", n, records, in[:n])
		}
		n, ev = c.Recv(s.now, in, make([]byte, ScratchSize))
	case 3:
		if s.arg%8 == 0 {
			ev = c.RecvEOF(s.now)
		}
	case 4:
		if s.arg%16 == 0 {
			ev = c.Lost(s.now)
		}
	case 5:
		ev = c.Tick(s.now)
	case 6:
		c.SetReading(s.now, s.arg&1 == 0)
	case 7:
		c.SetReadAhead(s.now, s.arg&1 == 0)
	case 8:
		c.Wrote(s.now, s.arg-3)
	case 9:
		out = c.AppendOutput(nil)
	case 10:
		out, err = c.AppendMessage(nil, frame.Opcode(s.arg&3), s.data)
	case 11:
		out, err = c.AppendFragment(nil, frame.Opcode(s.arg&3), s.data, s.arg&4 != 0)
	case 12:
		if c.outOp == frame.Text || s.arg&1 != 0 {
			out, err = c.AppendPing(nil, s.data)
			break
		}
		var mask frame.Mask
		out, mask, err = c.AppendHeader(nil, frame.Opcode(s.arg&2), HeaderOptions{More: s.arg&4 != 0}, len(s.data))
		if err == nil {
			p := bytes.Clone(s.data)
			mask.XOR(p, 0)
			out = append(out, p...)
		}
	case 13:
		out, err = c.AppendPong(nil, s.data)
	case 14:
		out, err = c.AppendClose(s.now, nil, frame.CloseCode(997+s.arg), string(s.data))
	case 15:
		if s.arg&1 == 0 {
			err = c.Accept(s.now, AcceptOptions{})
		} else {
			err = c.Reject(s.now, RejectOptions{})
		}
	}
	if err != nil && len(out) > 0 {
		panic("output with an error")
	}
	return out, fmt.Sprintf("%d %+v %v", n, ev, err)
}

// likely are the opcodes of a script's frames.
var likely = [16]frame.Opcode{
	frame.Text, frame.Text, frame.Text, frame.Binary, frame.Binary, frame.Binary, frame.Continuation, frame.Continuation,
	frame.Continuation, frame.Ping, frame.Ping, frame.Ping, frame.Pong, frame.Pong, frame.Close, 3,
}

// draw reads the next step from the script.
func (s *script) draw(now clock.Time, role Role) step {
	st := step{op: s.next(), arg: s.next()}
	steps := [...]time.Duration{0, 1, time.Millisecond, 500 * time.Millisecond, time.Second, 7 * time.Second, time.Minute, -time.Second}
	st.now = now.Add(steps[st.op>>4&7])
	n := s.next()
	if n < 224 {
		n %= 16
	}
	st.data = s.bytes(n)
	if st.op&15 == 0 && st.arg%4 == 0 { // what opens the handshake
		st.data = []byte(sampleGET + "\r\n")
		if role == Client {
			st.data = []byte(sampleAnswer)
		}
	}
	if st.op&15 == 1 || st.op&15 == 2 { // a frame that a peer could send
		h := frame.Header{Fin: st.arg&0x10 == 0, Opcode: likely[st.arg&0xF]}
		if st.arg&0xC0 != 0 {
			for i := range st.data {
				st.data[i] &= 0x7F
			}
		}
		if role == Server {
			h.Masked, h.Mask = true, frame.Mask{1, 2, 3, byte(st.arg)}
		}
		st.data = frame.AppendFrame(nil, h, st.data)
	}
	return st
}

func (s *script) conn(t testing.TB) (c *Conn, isOpen bool) {
	b := s.next()
	cfg := Config{Pings: PingPolicy(b >> 2 & 3 % 3), MaxMessageSize: 300, MaxFragments: 10, MaxControlRate: 20, MaxHeadBytes: 1000}
	if b&16 != 0 {
		cfg.PongTimeout, cfg.CloseTimeout = 3*time.Second, -1
	}
	if b&32 != 0 {
		cfg.PingInterval, cfg.ConnectionTimeout = -1, 2*time.Second
	}
	set := settings(t, cfg)
	switch b & 3 {
	case 0:
		return NewServer(set, 0), false
	case 1:
		c, err := NewClient(set, 0, RequestOptions{Host: "a"})
		if err != nil {
			t.Fatal(err)
		}
		return c, false
	}
	c, err := NewOpen(set, 0, Role(b&1))
	if err != nil {
		t.Fatal(err)
	}
	return c, true
}

// sampleAnswer accepts the key that a client makes of fixedEntropy.
const sampleAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: vVNlDP5WQk9IxhvAR5dL/s0TJW8=\r\n\r\n"

// run makes the calls of a script, checks what must always hold, and returns
// a log of everything that could be seen.
func (s script) run(t testing.TB) string {
	c, isOpen := s.conn(t)
	var (
		log    bytes.Buffer
		now    clock.Time
		unsent int64
		level  Transport
		twin   *Conn
		wire   []byte
	)
	for len(s) > 0 {
		st := s.draw(now, c.role)
		now = max(now, st.now)
		before := dumpOf(c)
		leftover := c.Pending()
		due, why := c.Deadline()

		out, seen := st.do(c)
		after := dumpOf(c)
		fmt.Fprintf(&log, "%d %q %s\n%s", st.op%16, out, seen, after)
		wire = append(wire, out...)

		if twin != nil {
			if o, v := st.do(twin); !bytes.Equal(o, out) || v != seen || dumpOf(twin) != after {
				t.Fatalf("the snapshot went another way\n%s%q %s\n%s%q %s", after, out, seen, dumpOf(twin), o, v)
			}
		}
		if st.arg%32 == 31 {
			twin = c.Snapshot()
			if dumpOf(twin) != after {
				t.Fatalf("the snapshot differs\n%s%s", after, dumpOf(twin))
			}
		}

		unsent += int64(len(out))
		if st.op%16 == 8 {
			unsent -= min(unsent, int64(max(st.arg-3, 0)))
		}
		if c.unsent != unsent {
			t.Fatalf("%d bytes unsent, want %d", c.unsent, unsent)
		}
		if (c.Pending() == 0) != (len(c.Snapshot().AppendOutput(nil)) == 0) {
			t.Fatalf("Pending() = %d is wrong\n%s", c.Pending(), after)
		}
		switch {
		case c.Transport() < level:
			t.Fatalf("the transport's level went from %d to %d\n%s%s", level, c.Transport(), before, after)
		case level == TransportAbort && len(out) > 0:
			t.Fatalf("output after an abort: %q", out)
		case level == TransportClose && len(out) > 0 && leftover == 0:
			t.Fatalf("new output after the end: %q", out)
		}
		level = c.Transport()
		if level > TransportOpen && c.Open() {
			t.Fatalf("open at level %d\n%s", level, after)
		}
		if st.op%16 == 5 && why != TimerNone && due <= c.now {
			if at, why := c.Deadline(); why != TimerNone && at <= c.now {
				t.Fatalf("timer %d is still due after a tick\n%s%s", why, before, after)
			}
		}
		if at, why := c.Deadline(); why == TimerNone && at != clock.Latest {
			t.Fatalf("no timer, but a deadline at %d", at)
		}
		checkCalm(t, c)
	}
	if isOpen {
		checkWire(t, c, wire)
	}
	return log.String()
}

// checkWire lets a peer read the output: we break no rule of the protocol.
func checkWire(t testing.TB, c *Conn, wire []byte) {
	t.Helper()
	peer := openedWith(t, c.role.peer(), Config{MaxControlRate: -1, MaxFragments: -1, MaxMessageSize: -1})
	peer.recvRaw(string(wire))
	peer.wantErr(0)
}

func FuzzConn(f *testing.F) {
	seen := digest.Of(f)
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 40 {
		p := make([]byte, 400)
		for j := range p {
			p[j] = byte(rnd.Uint32())
		}
		p[0] = byte(i)
		f.Add(p)
	}
	f.Add([]byte("\x00\x00\x00\xb0" + sampleGET + "\r\n\x0f\x00\x00\x09\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 5000 {
			return
		}
		first := script(data).run(t)
		if second := script(data).run(t); first != second {
			t.Fatalf("two runs of one script differ\n%s\n%s", first, second)
		}
		seen.Add(first)
	})
}

// The same calls give the same results: what FuzzConn checks, on many short
// random scripts.
func TestAnyOrderOfCalls(t *testing.T) {
	seen := digest.Of(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 700 {
		p := make([]byte, rnd.IntN(600))
		for j := range p {
			p[j] = byte(rnd.Uint32())
			if rnd.IntN(4) == 0 {
				p[j] &= 0x1F
			}
		}
		seen.Add(script(p).run(t))
	}
}
