package wasm

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

func settingsFor(t testing.TB, c core.Config) *core.Settings {
	t.Helper()
	s, err := core.NewSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openConn makes a server's connection that is open; change may change how.
func openConn(t testing.TB, h *Host, change func(*flight.Birth)) *Conn {
	t.Helper()
	b := flight.Birth{Open: true, Settings: settingsFor(t, core.Config{Pings: core.PingAnswer, Entropy: rand.Uint32})}
	if change != nil {
		change(&b)
	}
	c, err := h.NewConn(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newHost(t testing.TB, o Options) *Host {
	t.Helper()
	o.CacheDir = TestCache
	h, err := NewHost(context.Background(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h
}

// checkGone checks that c, which is no longer in its instance, does nothing, and
// fails with want; nil is for one that was released.
func checkGone(t *testing.T, how string, c *Conn, want error) {
	t.Helper()
	refused := want
	if refused == nil {
		refused = core.ErrNotOpen
	}
	if err := c.Err(); err != want {
		t.Errorf("%s: Err is %v, want %v", how, err, want)
	}
	if want != nil && (c.Open() || c.Transport() != core.TransportAbort || c.Pending() != 0) {
		t.Errorf("%s: open %t, transport %v, %d bytes pending", how, c.Open(), c.Transport(), c.Pending())
	}
	in := []byte("\x89\x80\x01\x02\x03\x04")
	n, ev := c.Recv(1, in, nil)
	if n != len(in) || (ev.Kind == core.EventFailed) != (want != nil) {
		t.Errorf("%s: Recv returned %d, %+v", how, n, ev)
	}
	for _, ev := range []core.Event{c.Tick(2), c.RecvEOF(3), c.Lost(4)} {
		if ev.Kind != core.EventNone {
			t.Errorf("%s: the end was reported again: %+v", how, ev)
		}
	}
	c.Wrote(1, 1)
	c.SetReading(1, false)
	c.SetReadAhead(1, true)
	if c.Request() != nil || c.Response() != nil || c.Subprotocol() != "" {
		t.Errorf("%s: there is a handshake", how)
	}
	for name, f := range map[string]func(dst []byte) ([]byte, error){
		"AppendOutput":   func(dst []byte) ([]byte, error) { return c.AppendOutput(dst), refused },
		"AppendState":    func(dst []byte) ([]byte, error) { return c.AppendState(dst), refused },
		"AppendSnapshot": func(dst []byte) ([]byte, error) { return c.AppendSnapshot(dst), refused },
		"AppendMessage":  func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, frame.Text, []byte("x")) },
		"AppendFragment": func(dst []byte) ([]byte, error) { return c.AppendFragment(dst, frame.Text, []byte("x"), false) },
		"AppendPing":     func(dst []byte) ([]byte, error) { return c.AppendPing(dst, nil) },
		"AppendPong":     func(dst []byte) ([]byte, error) { return c.AppendPong(dst, nil) },
		"AppendClose":    func(dst []byte) ([]byte, error) { return c.AppendClose(1, dst, 1000, "") },
		"AppendHeader": func(dst []byte) ([]byte, error) {
			dst, _, err := c.AppendHeader(dst, frame.Binary, core.HeaderOptions{}, 1)
			return dst, err
		},
	} {
		if out, err := f([]byte("before")); string(out) != "before" || err != refused {
			t.Errorf("%s: %s returned %q, %v", how, name, out, err)
		}
	}
	if err := c.Accept(1, core.AcceptOptions{}); err == nil {
		t.Errorf("%s: Accept was accepted", how)
	}
	c.Batch(func(b *Batch) {
		if b.Input(10) != nil {
			t.Errorf("%s: there is memory for input", how)
		}
		if _, _, _, err := b.Recv(1, 0); err != refused {
			t.Errorf("%s: Batch.Recv returned %v", how, err)
		}
		if _, _, err := b.Send(nil); err != refused {
			t.Errorf("%s: Batch.Send returned %v", how, err)
		}
		if _, err := b.Output(); err != refused {
			t.Errorf("%s: Batch.Output returned %v", how, err)
		}
		b.Wrote(1, 1)
	})
}

func TestConfigErrors(t *testing.T) {
	for name, o := range map[string]Options{
		"instances":   {Instances: -1},
		"connections": {Connections: 1 << 21},
		"memory":      {HandshakeMemory: 1},
		"module":      {Module: []byte("\x00asm\x01\x00\x00\x00")},
		"garbage":     {Module: []byte("garbage")},
		"cache":       {CacheDir: "/dev/null/x"},
	} {
		if h, err := NewHost(context.Background(), &o); err == nil {
			h.Close(context.Background())
			t.Errorf("%s: no error", name)
		}
	}
	h := newHost(t, Options{})
	if _, err := h.NewConn(flight.Birth{}); err == nil {
		t.Error("no settings: no error")
	}
	var config *core.ConfigError
	_, err := h.NewConn(flight.Birth{Role: core.Client, Open: true, Settings: settingsFor(t, core.Config{})})
	if !errors.As(err, &config) || config.Field != "Entropy" {
		t.Errorf("a client without entropy: %v", err)
	}
	_, err = h.NewConn(flight.Birth{Role: core.Client, Settings: settingsFor(t, core.Config{Entropy: rand.Uint32}), Request: core.RequestOptions{Host: "a b"}})
	if err != core.ErrHandshakeOption {
		t.Errorf("a host that is none: %v", err)
	}
}

// Instances are made as they are needed, up to the limit, and so are connections.
func TestLimits(t *testing.T) {
	h := newHost(t, Options{Instances: 2, Connections: 3})
	var conns []*Conn
	for range 6 {
		conns = append(conns, openConn(t, h, nil))
	}
	if s := h.Stats(); s.Instances != 2 || s.Connections != 6 {
		t.Errorf("%+v", s)
	}
	b := flight.Birth{Open: true, Settings: settingsFor(t, core.Config{})}
	if _, err := h.NewConn(b); err != ErrFull {
		t.Errorf("one more: %v", err)
	}
	conns[0].Release()
	openConn(t, h, nil)
	h.Maintain()

	h.Close(context.Background())
	if _, err := h.NewConn(b); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	if err := conns[1].Err(); err != ErrClosed {
		t.Errorf("after Close a connection has the error %v", err)
	}
}

// The handshakes that are under way are bounded together.
func TestHandshakeMemory(t *testing.T) {
	h := newHost(t, Options{Instances: 1, HandshakeMemory: 1 << 20})
	full := 0
	for range 200 {
		c := openConn(t, h, func(b *flight.Birth) { b.Open = false })
		head := append([]byte("GET / HTTP/1.1\r\nX: "), bytes.Repeat([]byte("x"), 20_000)...)
		if _, ev := c.Recv(1, head, nil); ev.Kind == core.EventFailed {
			full++
			if c.Err() != ErrFull || c.Transport() != core.TransportAbort {
				t.Fatalf("%v, %v", c.Err(), c.Transport())
			}
		}
	}
	if full < 150 {
		t.Errorf("%d of 200 handshakes were refused for want of memory", full)
	}
	ok := openConn(t, h, nil)
	if _, err := ok.AppendMessage(nil, frame.Text, []byte("an open connection works on")); err != nil {
		t.Error(err)
	}
}

// A payload that does not fit is refused, and sent behind its header.
func TestTooLong(t *testing.T) {
	h := newHost(t, Options{Instances: 1, HandshakeMemory: 1 << 20})
	c := openConn(t, h, nil)
	p := make([]byte, 2<<20)
	if _, err := c.AppendMessage(nil, frame.Binary, p); err != ErrTooLong {
		t.Errorf("AppendMessage: %v", err)
	}
	if out, _, err := c.AppendHeader(nil, frame.Binary, core.HeaderOptions{}, len(p)); err != nil || len(out) != 10 {
		t.Errorf("AppendHeader: %x, %v", out, err)
	}
	if out, err := c.AppendMessage(nil, frame.Binary, p[:100_000]); err != nil || len(out) != 100_010 {
		t.Errorf("AppendMessage behind it: %d bytes, %v", len(out), err)
	}
}

// Input that holds many frames is copied once, however many events it has and
// whatever other connections do in between, and always gives the same.
func TestInputIsKept(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	var in []byte
	for i := range 600 {
		in = frame.AppendFrame(in, frame.Header{Fin: true, Opcode: frame.Binary, Masked: true, Mask: frame.Mask{1, 2, 3, byte(i)}}, bytes.Repeat([]byte{byte(i)}, 300))
	}
	if len(in) < 2*mostInput {
		t.Fatalf("%d bytes are not more than go into a call", len(in))
	}
	for _, disturb := range []bool{false, true} {
		c, other := openConn(t, h, nil), openConn(t, h, nil)
		rest, i, message := bytes.Clone(in), 0, []byte(nil)
		for len(rest) > 0 {
			n, ev := c.Recv(clock.Time(i), rest, nil)
			if message = append(message, ev.Data...); !ev.Last {
				clear(rest[:n])
				rest = rest[n:]
				continue
			}
			if want := bytes.Repeat([]byte{byte(i)}, 300); !bytes.Equal(message, want) {
				t.Fatalf("message %d is %x", i, message)
			}
			message = message[:0]
			out, err := c.AppendMessage(nil, frame.Binary, ev.Data)
			if err != nil || !bytes.Equal(out[len(out)-len(ev.Data):], ev.Data) {
				t.Fatalf("%x, %v", out, err)
			}
			if disturb && i%3 == 0 {
				other.Recv(clock.Time(i), []byte("\x82\x81\x01\x02\x03\x04\x05"), nil)
			}
			clear(rest[:n])
			rest = rest[n:]
			i++
		}
	}
}

// A snapshot goes from one host to another, to the native core and back.
func TestRestore(t *testing.T) {
	one, two := newHost(t, Options{Instances: 1}), newHost(t, Options{Instances: 1})
	set := settingsFor(t, core.Config{Entropy: rand.Uint32})
	c := openConn(t, one, func(b *flight.Birth) { b.Settings, b.Role = set, core.Client })
	c.Recv(5, []byte("\x01\x02hi"), nil) // in the middle of a message
	c.Recv(5, []byte("\x00\x01"), nil)
	native, err := core.RestoreConn(set, c.AppendSnapshot(nil))
	if err != nil {
		t.Fatal(err)
	}
	again, err := two.Restore(set, native.AppendSnapshot(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Release()
	for _, m := range []interface {
		AppendState([]byte) []byte
		Role() core.Role
	}{native, again} {
		if got, want := m.AppendState(nil), c.AppendState(nil); !bytes.Equal(got, want) || m.Role() != core.Client {
			t.Errorf("restored %swant %s", got, want)
		}
	}
	if n, ev := again.Recv(6, []byte("!\x80\x00"), nil); n != 1 || string(ev.Data) != "!" {
		t.Errorf("%d, %+v", n, ev)
	}
	var refused *core.SnapshotError
	if _, err := two.Restore(set, []byte("no snapshot")); !errors.As(err, &refused) {
		t.Errorf("no snapshot: %v", err)
	}
}

// What does not fit into a call is given in parts: the caller of a Machine need not
// know.
func TestLongInput(t *testing.T) {
	h := newHost(t, Options{Instances: 1, HandshakeMemory: 1 << 20})
	c := openConn(t, h, func(b *flight.Birth) { b.Settings = settingsFor(t, core.Config{MaxMessageSize: -1}) })
	payload := bytes.Repeat([]byte("0123456789"), 300_000)
	in := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, payload)
	var got []byte
	for last := false; !last; {
		n, ev := c.Recv(1, in, nil)
		if ev.Kind != core.EventMessage {
			t.Fatalf("%d, %+v, %v", n, ev, c.Err())
		}
		got, in, last = append(got, ev.Data...), in[n:], ev.Last
	}
	if !bytes.Equal(got, payload) || len(in) > 0 {
		t.Errorf("%d bytes came, %d are left", len(got), len(in))
	}
}

// Mistakes in the use of a Batch are told, and do not hang.
func TestBatchMisuse(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, nil)
	panics := func(what string, f func()) {
		defer func() {
			if v := recover(); v == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		f()
	}
	var kept *Batch
	panics("a method of the Conn", func() { c.Batch(func(b *Batch) { kept = b; c.Tick(1) }) })
	panics("a Batch that is over", func() { kept.Input(1) })
	if n, ev := c.Recv(1, []byte("\x82\x80\x01\x02\x03\x04"), nil); n != 6 || ev.Kind != core.EventMessage {
		t.Errorf("afterwards: %d, %+v", n, ev)
	}
}

// Steady use of an open connection allocates nothing, on either side.
func TestNoAllocations(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	server := openConn(t, h, nil)
	client := openConn(t, h, func(b *flight.Birth) { b.Role = core.Client })
	x := server.x
	wire, scratch, payload := make([]byte, 0, 1<<10), make([]byte, core.ScratchSize), make([]byte, 500)
	round := func() {
		wire, _ = client.AppendMessage(wire[:0], frame.Text, payload)
		client.Wrote(1, len(wire))
		_, ev := server.Recv(1, wire, scratch)
		wire, _ = server.AppendMessage(wire[:0], ev.Op, ev.Data)
		server.Wrote(1, len(wire))
		client.Recv(1, wire, scratch)
		server.Deadline()
		server.Batch(func(b *Batch) {
			b.Send([]core.Event{{Kind: core.EventMessage, Op: frame.Text, First: true, Last: true, Data: payload}})
		})
	}
	round()
	if n := testing.AllocsPerRun(200, round); n > 0 {
		t.Errorf("%v allocations a round", n)
	}
	before := len(x.mem)
	for range 20_000 {
		round()
	}
	if len(x.mem) != before {
		t.Errorf("the memory of the instance grew from %d to %d bytes", before, len(x.mem))
	}
}
