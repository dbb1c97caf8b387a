package sim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// A cable is a link with nobody at its ends.
type cable struct {
	t         *testing.T
	w         *World
	near, far *socket
}

func newCable(t *testing.T, link Link) *cable {
	w := newWorld(new(Tape), nativeMachine)
	w.tape.ResetChoices(nil) // jitter and the rest are 0
	c := &cable{t: t, w: w}
	c.near, c.far = w.connectSockets("near", "far", link)
	return c
}

// pass lets time pass until d after the world began.
func (c *cable) pass(d time.Duration) {
	for c.w.next(clock.Time(d)) {
	}
	c.w.now = clock.Time(d)
	if c.w.failure != nil {
		c.t.Helper()
		c.t.Fatal(c.w.failure)
	}
}

func (c *cable) write(s *socket, n, want int, wantErr error) {
	c.t.Helper()
	got, err := s.write(bytes.Repeat([]byte{'x'}, n))
	if got != want || err != wantErr {
		c.t.Errorf("at %v: wrote %d, %v, want %d, %v", c.w.Now(), got, err, want, wantErr)
	}
}

// read reads all that is there.
func (c *cable) read(s *socket, want int, wantEOF bool, wantErr error) {
	c.t.Helper()
	total := 0
	for {
		p, eof, err := s.read()
		total += len(p)
		if len(p) > 0 {
			continue
		}
		if total != want || eof != wantEOF || err != wantErr {
			c.t.Errorf("at %v: read %d bytes, end of file %t, %v, want %d, %t, %v", c.w.Now(), total, eof, err, want, wantEOF, wantErr)
		}
		if !s.closed && s.readable() != (eof || err != nil) {
			c.t.Errorf("at %v: readable is %t after %t, %v", c.w.Now(), s.readable(), eof, err)
		}
		return
	}
}

func TestLinkLatency(t *testing.T) {
	for _, test := range []struct {
		name string
		link Link
		want time.Duration
	}{
		{"TCP", TCP(), 5 * time.Millisecond},
		{"QUIC", QUICStream(), 5 * time.Millisecond},
		{"pipe", Pipe(), 0},
		{"own", Link{Latency: time.Second}, time.Second},
		{"own", Link{Latency: time.Second, Bandwidth: 100}, time.Second + 70*time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCable(t, test.link)
			c.write(c.near, 7, 7, nil)
			if test.want > 0 {
				c.pass(test.want - 1)
				c.read(c.far, 0, false, nil)
			}
			c.pass(test.want)
			c.read(c.far, 7, false, nil)
			c.read(c.near, 0, false, nil)
		})
	}
}

// Jitter delays, but never reorders.
func TestLinkJitterKeepsOrder(t *testing.T) {
	w := newWorld(FromSeed(3), nativeMachine)
	near, far := w.connectSockets("near", "far", Link{Latency: time.Millisecond, Jitter: 50 * time.Millisecond})
	var got []byte
	most, least := clock.Time(0), clock.Latest
	for i := range 200 {
		sent := w.now
		near.write([]byte{byte(i)})
		for len(got) <= i {
			w.next(clock.Latest)
			p, _, _ := far.read()
			got = append(got, p...)
		}
		most, least = max(most, w.now-sent), min(least, w.now-sent)
	}
	for i := range 100 {
		near.write([]byte{byte(i)})
		if i%10 == 0 {
			w.next(clock.Latest)
		}
	}
	for w.next(clock.Latest) {
	}
	for p, _, _ := far.read(); len(p) > 0; p, _, _ = far.read() {
		got = append(got, p...)
	}
	for i, b := range got {
		if want := byte(i % 200); b != want {
			t.Fatalf("byte %d is %d, want %d", i, b, want)
		}
	}
	if len(got) != 300 || least < clock.Time(time.Millisecond) || most > clock.Time(51*time.Millisecond) || most-least < clock.Time(30*time.Millisecond) {
		t.Errorf("%d bytes came, each after %d to %d ns", len(got), least, most)
	}
}

func TestLinkBandwidth(t *testing.T) {
	c := newCable(t, Link{Bandwidth: 1000, Latency: 10 * time.Millisecond})
	c.write(c.near, 2500, 2500, nil)
	c.write(c.near, 500, 500, nil)
	// Pieces of at most what passes in a second, each when its last byte is out.
	for _, step := range []struct {
		at   time.Duration
		want int
	}{
		{1010*time.Millisecond - 1, 0},
		{1010 * time.Millisecond, 1000},
		{2010*time.Millisecond - 1, 0},
		{2010 * time.Millisecond, 1000},
		{2510*time.Millisecond - 1, 0},
		{2510 * time.Millisecond, 500},
		{3010*time.Millisecond - 1, 0},
		{3010 * time.Millisecond, 500},
		{9 * time.Second, 0},
	} {
		c.pass(step.at)
		c.read(c.far, step.want, false, nil)
	}
	c.write(c.near, 1, 1, nil) // a line that stood still begins anew
	c.pass(9*time.Second + 11*time.Millisecond - 1)
	c.read(c.far, 0, false, nil)
	c.pass(9*time.Second + 11*time.Millisecond)
	c.read(c.far, 1, false, nil)
}

func TestLinkBuffer(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		link Link
		size int
	}{
		{Link{Latency: ms}, 64 << 10},
		{Link{Latency: ms, Buffer: 100}, 100},
		{Pipe(), 4 << 10},
	} {
		c := newCable(t, test.link)
		lag := test.link.Latency
		c.write(c.near, test.size+1, test.size, nil)
		c.write(c.near, 1, 0, nil)
		c.pass(10 * ms)
		c.write(c.near, 1, 0, nil)
		c.read(c.far, test.size, false, nil)
		if lag > 0 {
			c.pass(10*ms + lag - 1)
			c.write(c.near, 1, 0, nil)
		}
		c.pass(10*ms + lag)
		c.write(c.near, 7, 7, nil)
		c.write(c.near, test.size, test.size-7, nil)
	}
}

// A writer that waits for room is told of it, though it had not waited yet when
// the room was made.
func TestLinkTellsOfRoom(t *testing.T) {
	c := newCable(t, Link{Latency: time.Second, Buffer: 10})
	c.near.owner = &Conn{w: c.w}
	told := time.Duration(-1)
	c.near.owner.work.run = func() { told = c.w.Now() }
	c.write(c.near, 10, 10, nil)
	c.pass(time.Second)
	c.read(c.far, 10, false, nil)
	c.pass(1500 * time.Millisecond)
	c.write(c.near, 3, 0, nil)
	c.pass(5 * time.Second)
	if told != 2*time.Second {
		t.Errorf("told at %v, want 2s", told)
	}
}

func TestLinkFINComesAfterData(t *testing.T) {
	for _, link := range presets {
		c := newCable(t, link)
		c.write(c.near, 3, 3, nil)
		c.near.closeWrite()
		c.near.closeWrite()
		c.write(c.near, 1, 0, errEnded)
		c.pass(time.Second)
		c.read(c.far, 3, true, nil)
		c.write(c.far, 2, 2, nil) // the other direction lives on
		c.pass(2 * time.Second)
		c.read(c.near, 2, false, nil)
	}
}

// A closed socket: what the peer reads, and what a write to it comes to.
func TestLinkClose(t *testing.T) {
	type want struct {
		unread int
		eof    bool
		err    error // of reading, and of a write after a second
		write  error
		again  error // of a write after another second
	}
	for _, test := range []struct {
		name   string
		link   Link
		unread bool // at the end that closes
		want   want
	}{
		{"TCP", TCP(), false, want{3, true, nil, nil, errReset}},
		{"TCP, unread input", TCP(), true, want{0, false, errReset, errReset, errReset}},
		{"QUIC", QUICStream(), false, want{3, true, nil, nil, nil}},
		{"QUIC, unread input", QUICStream(), true, want{3, true, nil, nil, nil}},
		{"pipe", Pipe(), false, want{3, true, nil, errStopped, errStopped}},
		{"pipe, unread input", Pipe(), true, want{3, true, nil, errStopped, errStopped}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCable(t, test.link)
			if test.unread {
				c.write(c.far, 5, 5, nil)
				c.pass(time.Second)
			}
			c.write(c.near, 3, 3, nil)
			c.near.close()
			c.near.close()
			c.write(c.near, 1, 0, errClosed)
			c.read(c.near, 0, false, errClosed)
			c.pass(2 * time.Second)
			c.read(c.far, test.want.unread, test.want.eof, test.want.err)
			n := 1
			if test.want.write != nil {
				n = 0
			}
			c.write(c.far, 1, n, test.want.write)
			c.pass(3 * time.Second)
			if n = 1; test.want.again != nil {
				n = 0
			}
			c.write(c.far, 1, n, test.want.again)
			if test.want.again == errReset {
				c.read(c.far, 0, false, errReset)
			}
		})
	}
}

// A closed end that lingers throws away what comes, for five seconds or until the
// other end has ended its output.
func TestLinkLingers(t *testing.T) {
	for _, link := range []Link{QUICStream(), HTTP2(), HTTP3()} {
		c := newCable(t, link)
		c.write(c.far, 1000, 1000, nil)
		c.pass(time.Second)
		c.near.close()
		for at := time.Second; at < 6*time.Second; at += 500 * time.Millisecond {
			c.pass(at)
			c.write(c.far, 60<<10, 60<<10, nil)
		}
		c.pass(6*time.Second + 5*time.Millisecond - 1)
		c.write(c.far, 1, 1, nil)
		c.pass(6*time.Second + 5*time.Millisecond)
		c.write(c.far, 1, 0, errStopped)

		c = newCable(t, link)
		c.near.close()
		c.far.closeWrite()
		c.pass(time.Second)
		if n := len(c.w.tasks.heap); n != 0 {
			t.Errorf("%v: %d tasks are left of a stream whose other end has ended", link.Carrier, n)
		}

		c = newCable(t, link)
		c.far.closeWrite()
		c.pass(time.Second)
		c.near.close()
		c.pass(2 * time.Second)
		if n := len(c.w.tasks.heap); n != 0 {
			t.Errorf("%v: %d tasks are left of a stream that both ends have ended", link.Carrier, n)
		}
	}
}

// After a minute of silence a carrier that looks for it is lost: first for who hears
// nothing, then for the other end, of which nothing is heard from then on.
func TestLinkLosesPatience(t *testing.T) {
	for _, link := range []Link{QUICStream(), HTTP3()} {
		c := newCable(t, link)
		c.write(c.near, 3, 3, nil)
		c.pass(time.Second)
		c.near.out.lose()
		c.pass(time.Minute)
		c.write(c.far, 2, 2, nil)
		c.pass(time.Minute + time.Second - 1)
		c.write(c.far, 2, 2, nil)
		c.pass(time.Minute + time.Second)
		c.read(c.far, 3, false, errLost)
		c.write(c.far, 1, 0, errLost)
		c.pass(2*time.Minute + time.Second - 1)
		c.read(c.near, 2, false, nil)
		c.pass(2*time.Minute + time.Second)
		c.read(c.near, 0, false, errLost)
		c.write(c.near, 1, 0, errLost)
	}
}

// Data on its way to a socket that closes meanwhile is answered with a reset.
func TestLinkDataMeetsClose(t *testing.T) {
	c := newCable(t, Link{Latency: time.Second})
	c.write(c.far, 5, 5, nil)
	c.near.close()
	c.pass(2*time.Second - 1)
	c.read(c.far, 0, true, nil)
	c.pass(2 * time.Second)
	c.read(c.far, 0, false, errReset)
}

func TestLinkAbort(t *testing.T) {
	for _, link := range []Link{TCP(), TLS(), HTTP3(), QUICStream(), Pipe()} {
		c := newCable(t, link)
		c.write(c.near, 3, 3, nil)
		c.pass(time.Second)
		c.write(c.near, 3, 3, nil)
		c.near.abort()
		c.pass(2 * time.Second)
		c.read(c.far, 0, false, errReset) // all six bytes are eaten
		c.write(c.far, 1, 0, errReset)
	}
}

// A reset leaves no hole: what is written to who has read it, by who has not heard of
// it, is gone, and so is the end of it.
func TestLinkWritesAfterAReset(t *testing.T) {
	for seed := range uint64(20) {
		s := virtually(t, TCP(), seed)
		near, far := s.actor.(virtual).s, s.other.(virtual).s
		near.write(make([]byte, 100))
		s.pause()
		far.out.lose()
		near.out.breakOff(errReset)
		left := far.in.arrived
		if n, err := near.write([]byte{1}); n != 1 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		near.closeWrite()
		s.pause()
		got, buf := 0, make([]byte, 200)
		n, err := virtual{far}.TryRead(buf)
		for ; err == nil; n, err = (virtual{far}).TryRead(buf) {
			got += n
		}
		if got != left || err != errReset {
			t.Errorf("seed %d: read %d bytes of %d, %v", seed, got, left, err)
		}
	}
}

// What the line has not taken when an end gives up is never sent: the reset does
// not wait for it.
func TestLinkAbortOnASlowLine(t *testing.T) {
	c := newCable(t, Link{Bandwidth: 10, Latency: time.Millisecond})
	c.write(c.near, 1000, 1000, nil)
	c.near.abort()
	c.pass(time.Second)
	c.read(c.far, 0, false, nil) // the first piece is on the line
	c.pass(time.Second + time.Millisecond)
	c.read(c.far, 0, false, errReset)
}

func TestLinkVanish(t *testing.T) {
	for _, link := range []Link{TCP(), TLS(), HTTP2(), Pipe()} {
		c := newCable(t, link)
		c.write(c.near, 3, 3, nil)
		c.near.vanish()
		c.pass(time.Hour)
		c.read(c.far, 0, false, nil)
		c.write(c.far, 4<<10, 4<<10, nil) // the network takes what it has room for
		c.write(c.far, 1<<20, c.far.out.room-4<<10, nil)
		c.write(c.far, 1, 0, nil)
		c.pass(2 * time.Hour)
		c.write(c.far, 1, 0, nil)
		c.read(c.far, 0, false, nil)
	}
}

func TestLinkClogAndHeal(t *testing.T) {
	c := newCable(t, Link{Latency: time.Millisecond})
	c.write(c.near, 1, 1, nil)
	c.near.out.clog(time.Minute)
	c.near.out.clog(time.Second) // a clog is not shortened
	c.write(c.near, 1, 1, nil)
	c.near.closeWrite()
	c.write(c.far, 9, 9, nil)
	c.pass(time.Minute - 1)
	c.read(c.far, 0, false, nil)
	c.read(c.near, 9, false, nil) // the other direction is free
	c.pass(time.Minute)
	c.read(c.far, 2, true, nil)

	c.far.out.clog(time.Hour)
	c.write(c.far, 5, 5, nil)
	c.pass(2 * time.Minute)
	c.read(c.near, 0, false, nil)
	c.far.out.heal()
	c.pass(2*time.Minute + 1)
	c.read(c.near, 5, false, nil)
}

func TestLinkHealMakesRoom(t *testing.T) {
	c := newCable(t, Link{})
	c.near.out.room = 10
	c.write(c.near, 11, 10, nil)
	c.near.out.heal()
	c.write(c.near, 90<<10, 64<<10-10, nil)
}

// However long a link runs, what it keeps is what is on its way.
func TestLinkKeepsNothing(t *testing.T) {
	for _, piece := range []int{1, 100, 5000, 30_000} {
		c := newCable(t, TCP())
		for i := range 3000 {
			c.near.write(make([]byte, piece))
			c.pass(time.Duration(i+1) * 10 * time.Millisecond)
			c.read(c.far, piece, false, nil)
		}
		x := c.near.out
		if cap(x.buf) > 4*max(piece, 8<<10) || cap(x.flying) > 16 || len(c.w.tasks.heap) > 2 {
			t.Errorf("pieces of %d: a buffer of %d bytes, %d segments, %d tasks", piece, cap(x.buf), cap(x.flying), len(c.w.tasks.heap))
		}
	}
}

func TestLinkCheck(t *testing.T) {
	for _, test := range []struct {
		link Link
		want string
	}{
		{TCP(), ""},
		{QUICStream(), ""},
		{Pipe(), ""},
		{Link{}, ""},
		{HTTP2(), ""},
		{Link{Carrier: 6}, "Carrier is Carrier(6)"},
		{Link{Latency: -1}, "Latency and Link.Jitter are -1ns and 0s"},
		{Link{Jitter: -1}, "must not be negative"},
		{Link{Latency: 24 * time.Hour, Jitter: 24 * time.Hour}, ""},
		{Link{Latency: 24*time.Hour + 1}, "are 24h0m0.000000001s and 0s; they must be at most 24h0m0s"},
		{Link{Jitter: 1<<63 - 1}, "they must be at most 24h0m0s"},
		{Link{Bandwidth: -1}, "Bandwidth and Link.Buffer are -1 and 0"},
		{Link{Buffer: -1}, "must not be negative"},
	} {
		err := test.link.check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v, want %q", test.link, err, test.want)
		}
	}
	for c, want := range map[Carrier]string{CarrierTCP: "TCP", CarrierQUIC: "QUIC stream", CarrierPipe: "pipe", CarrierTLS: "TLS", CarrierHTTP2: "HTTP/2", CarrierHTTP3: "HTTP/3", 9: "Carrier(9)"} {
		if c.String() != want {
			t.Errorf("%d is %q, want %q", c, c, want)
		}
	}
}

// However slow the line is for what is written, a write arrives in a few pieces,
// each when all of it has passed.
func TestLinkPiecesAreFew(t *testing.T) {
	for _, test := range []struct {
		bandwidth, n, pieces int
		first                time.Duration
	}{
		{1, 1024, 1024, time.Second},
		{1, 1025, 513, 2 * time.Second},
		{1, 1 << 20, 1024, 1024 * time.Second},
		{2_000, 64 << 10, 33, time.Second},
		{0, 1 << 20, 1, 0},
	} {
		c := newCable(t, Link{Bandwidth: test.bandwidth, Buffer: 1 << 30})
		c.write(c.near, test.n, test.n, nil)
		g := c.near.out.flying
		if len(g) != test.pieces || time.Duration(g[0].at) != test.first {
			t.Errorf("%d bytes at %d a second: %d pieces, the first at %v; want %d and %v",
				test.n, test.bandwidth, len(g), time.Duration(g[0].at), test.pieces, test.first)
		}
	}
}

// A long queue costs as much for each arrival as a short one.
func TestLinkWithMuchOnTheWay(t *testing.T) {
	const n = 1 << 18
	c := newCable(t, Link{Bandwidth: 1_000, Buffer: n})
	for range n {
		c.write(c.near, 1, 1, nil)
	}
	began := time.Now()
	c.w.limit = 3 * n
	for c.w.next(clock.Latest) {
		for c.far.readable() {
			c.far.read()
		}
	}
	if took := time.Since(began); took > 10*time.Second || c.far.in.taken != n {
		t.Errorf("%d of %d bytes arrived in %v", c.far.in.taken, n, took)
	}
}
