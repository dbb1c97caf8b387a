package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

var pool compress.Pool

var takeover = deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true}

// compressing has openConn make a connection that compresses all.
func compressing(t testing.TB, agreed deflate.Params) func(*flight.Birth) {
	set := settingsFor(t, core.Config{Entropy: rand.Uint32, Compression: &core.Compression{Lend: &pool, Threshold: -1}})
	return func(b *flight.Birth) { b.Settings, b.Compression = set, &agreed }
}

// deflated returns a compressed message of a client, without context takeover.
func deflated(op frame.Opcode, p []byte) []byte {
	d := pool.Deflater(12, 1)
	defer pool.ReturnDeflater(12, 1, d)
	h := frame.Header{Fin: true, RSV1: true, Opcode: op, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}
	return frame.AppendFrame(nil, h, d.Deflate(nil, p, true))
}

// bomb returns a message that inflates to so many MiB, of a thousandth of that.
func bomb(mebibytes int) []byte {
	d := pool.Deflater(12, 1)
	defer pool.ReturnDeflater(12, 1, d)
	p := bytes.Repeat(d.Deflate(nil, make([]byte, 1<<20), false), mebibytes)
	h := frame.Header{Fin: true, RSV1: true, Opcode: frame.Binary, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}
	return frame.AppendFrame(nil, h, p[:len(p)-len(deflate.Tail)])
}

// A megabyte that would inflate to a gigabyte ends with 1009, and even where it may it
// takes hardly any memory.
func TestBomb(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	for _, test := range []struct {
		limit     int64
		mebibytes int
	}{{0, 900}, {-1, 30}} {
		set := settingsFor(t, core.Config{MaxMessageSize: test.limit, Compression: &core.Compression{Lend: &pool}})
		c := openConn(t, h, func(b *flight.Birth) { b.Settings, b.Compression = set, &takeover })
		before := h.Stats().Memory
		got, scratch := 0, make([]byte, core.ScratchSize+64<<10)
		var ev core.Event
		for rest := bomb(test.mebibytes); ; {
			var n int
			n, ev = c.Recv(1, rest, scratch)
			rest = rest[n:]
			if got += len(ev.Data); ev.Kind != core.EventMessage || ev.Last {
				break
			}
		}
		switch {
		case test.limit == 0 && (c.Err() != core.ErrMessageTooBig || ev.Code != frame.MessageTooBig || got != 1<<20):
			t.Errorf("%+v after %d bytes, %v", ev, got, c.Err())
		case test.limit < 0 && (!ev.Last || got != test.mebibytes<<20):
			t.Errorf("%v after %d bytes, %v", ev.Kind, got, c.Err())
		}
		if grown := h.Stats().Memory - before; grown > 4<<20 {
			t.Errorf("the memory grew by %d bytes", grown)
		}
		c.Release()
	}
}

// Ten thousand connections that keep their windows are bounded by the memory that is
// set, and all work if there is enough.
func TestTenThousandCompress(t *testing.T) {
	for _, test := range []struct {
		memory int64
		most   int // of connections, 0 for all
	}{{32 << 20, 1536}, {256 << 20, 0}} {
		h := newHost(t, Options{Instances: 1, HandshakeMemory: test.memory})
		var conns []*Conn
		var err error
		for range 10_000 {
			var c *Conn
			b := flight.Birth{Open: true}
			compressing(t, takeover)(&b)
			if c, err = h.NewConn(b); err != nil {
				break
			}
			conns = append(conns, c)
		}
		switch {
		case test.most > 0 && (!errors.Is(err, ErrFull) || len(conns) != test.most):
			t.Errorf("%d MiB: %d connections, %v; want %d and %v", test.memory>>20, len(conns), err, test.most, ErrFull)
		case test.most == 0 && err != nil:
			t.Errorf("%d MiB: %v", test.memory>>20, err)
		}
		if test.most > 0 {
			for _, c := range conns[:10] {
				c.Release() // for their messages
			}
			conns = conns[10:]
		}
		wire := deflated(frame.Text, bytes.Repeat([]byte("Hello, hello. "), 500))
		scratch := make([]byte, core.ScratchSize+64<<10)
		for _, c := range conns {
			_, ev := c.Recv(1, bytes.Clone(wire), scratch)
			if out, err := c.AppendMessage(nil, ev.Op, ev.Data); !ev.Last || err != nil || out[0]&0x40 == 0 {
				t.Fatal(ev.Kind, err, c.Err())
			}
		}
		memory := h.Stats().Memory
		t.Logf("%d MiB: %d connections in %.1f MiB", test.memory>>20, len(conns), float64(memory)/(1<<20))
		if most := test.memory + 32<<20; memory > most {
			t.Errorf("%d bytes of memory, want at most %d", memory, most)
		}
		for _, c := range conns {
			c.Release()
		}
	}
}

// In steady state there is no garbage, and the memory does not grow.
func TestCompressedEchoMakesNoGarbage(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	var conns []*Conn
	for range 20 {
		c := openConn(t, h, compressing(t, takeover))
		defer c.Release()
		conns = append(conns, c)
	}
	in := deflated(frame.Text, bytes.Repeat([]byte("Hello, hello. "), 500))
	wire, out, scratch := make([]byte, len(in)), make([]byte, 0, 8<<10), make([]byte, core.ScratchSize+8<<10)
	round := func() {
		for _, c := range conns {
			copy(wire, in)
			_, ev := c.Recv(1, wire, scratch)
			var err error
			if out, err = c.AppendMessage(out[:0], ev.Op, ev.Data); err != nil || !ev.Last {
				t.Fatal(ev.Kind, err)
			}
			c.Wrote(1, len(out))
		}
	}
	garbage := func() uint32 {
		return binary.LittleEndian.Uint32(h.instances[0].at(abi.StatusGarbage, 4))
	}
	round()
	before, memory := garbage(), h.Stats().Memory
	if n := testing.AllocsPerRun(200, round); n > 0 {
		t.Errorf("%v allocations outside of the sandbox", n)
	}
	if g, m := garbage(), h.Stats().Memory; g != before || m != memory {
		t.Errorf("garbage grew from %d to %d bytes, memory from %d to %d", before, g, memory, m)
	}
}

// What cannot be kept fails with ErrFull, as a handshake does; others go on.
func TestFullOfMessages(t *testing.T) {
	h := newHost(t, Options{Instances: 1, HandshakeMemory: 1 << 20})
	begins := []byte("\xc2\x85\x00\x00\x00\x00\xf2")
	var conns, full, open []*Conn
	for range 48 { // as many as three quarters of the memory are for
		c := openConn(t, h, compressing(t, takeover))
		defer c.Release()
		conns = append(conns, c)
	}
	for _, c := range conns {
		if c.Recv(1, bytes.Clone(begins), nil); c.Err() != nil {
			full = append(full, c)
		} else {
			open = append(open, c)
		}
	}
	if len(open) < 5 || len(full) < 5 {
		t.Fatalf("%d messages are under way, %d were refused", len(open), len(full))
	}
	for _, c := range full {
		if c.Err() != ErrFull || c.Transport() != core.TransportAbort {
			t.Errorf("%v, %v", c.Err(), c.Transport())
		}
	}
	for _, c := range open {
		if _, err := c.AppendMessage(nil, frame.Text, []byte("Hello")); err != nil || !c.Open() {
			t.Error(err, c.Err())
		}
	}
}

// A batch of compressed messages is sent back from where it was decompressed to, without
// room for a copy; when there is no room to decompress to, the rest comes with the next
// call.
func TestCompressedBatch(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, compressing(t, takeover))
	defer c.Release()
	client := openConn(t, h, func(b *flight.Birth) { compressing(t, takeover)(b); b.Role = core.Client })
	defer client.Release()
	var wire []byte
	var want []string
	for i := range 100 {
		want = append(want, strings.Repeat(fmt.Sprintf("message %d ", i), 300))
		wire = append(wire, deflated(frame.Text, []byte(want[i]))...)
	}
	var echo []byte
	c.Batch(func(b *Batch) {
		calls := 0
		for more := true; more; calls++ {
			n := copy(b.Input(len(wire)), wire)
			taken, events, again, err := b.Recv(1, n)
			if err != nil || taken == 0 && len(events) == 0 {
				t.Fatal(taken, len(events), err)
			}
			out, n, err := b.Send(events)
			if n != len(events) || err != nil {
				t.Fatal(n, len(events), err)
			}
			echo = append(echo, out...)
			wire, more = wire[taken:], again
		}
		if len(wire) > 0 || calls < 4 {
			t.Errorf("%d bytes are left after %d calls", len(wire), calls)
		}
	})
	var join core.Assembler
	scratch := make([]byte, core.ScratchSize+1000)
	for i := 0; i < len(want); {
		n, ev := client.Recv(1, echo, scratch)
		echo = echo[n:]
		if ev.Kind == core.EventNone {
			t.Fatalf("%d messages came back, %v", i, client.Err())
		}
		if m, ok := join.Add(ev); ok {
			if string(m.Data) != want[i] {
				t.Fatalf("message %d came back as %.100q", i, m.Data)
			}
			i++
		}
	}
}

// A scratch without room for what is decompressed loses nothing.
func TestRecvWithoutScratch(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, compressing(t, takeover))
	defer c.Release()
	wire := deflated(frame.Binary, bytes.Repeat([]byte("x"), 2000))
	got := 0
	for {
		n, ev := c.Recv(1, wire, nil)
		wire = wire[n:]
		if ev.Kind == core.EventNone {
			break
		}
		got += len(ev.Data)
	}
	if got != 2000 || c.Err() != nil {
		t.Errorf("%d bytes, %v", got, c.Err())
	}
}

// What was compressed once is sent as it is; where it is of no use, it stays outside.
func TestAppendCompressed(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	for _, test := range []struct {
		change func(*flight.Birth)
		want   string
	}{
		{compressing(t, takeover), "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"},
		{compressing(t, deflate.Params{SendBits: 8, ReceiveBits: 8}), "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"},
		{nil, "\x81\x05Hello"},
	} {
		c := openConn(t, h, test.change)
		out, err := c.AppendCompressed([]byte("before"), frame.Text, []byte("Hello"), []byte("\xf2\x48\xcd\xc9\xc9\x07\x00"))
		if string(out) != "before"+test.want || err != nil {
			t.Errorf("%q, %v; want %q", out, err, test.want)
		}
		if _, err := c.AppendCompressed(nil, frame.Ping, nil, nil); err != core.ErrInvalidOpcode {
			t.Error(err)
		}
		if _, err := c.AppendCompressed(nil, frame.Binary, make([]byte, 16<<20), make([]byte, 16<<20)); err != ErrTooLong {
			t.Error(err)
		}
		c.Release()
		if _, err := c.AppendCompressed(nil, frame.Binary, nil, nil); err != core.ErrNotOpen {
			t.Error(err)
		}
	}
}

// Windows of all sizes, messages of all sizes that fit: the memory that an instance may
// have is enough for what it lends and for the garbage that large messages make.
func TestMemoryOfCompressors(t *testing.T) {
	for _, memory := range []int64{1 << 20, 32 << 20} {
		h := newHost(t, Options{Instances: 1, Connections: 100, HandshakeMemory: memory})
		var conns []*Conn
		for bits := uint8(deflate.MinWindowBits); bits <= deflate.MaxWindowBits; bits++ {
			for _, level := range []int{1, 6, 9} {
				c := openConn(t, h, func(b *flight.Birth) {
					b.Settings = settingsFor(t, core.Config{Compression: &core.Compression{Lend: &pool, Level: level, SendWindowBits: int(bits)}})
					b.Compression = &deflate.Params{SendBits: bits, ReceiveBits: 8}
				})
				defer c.Release()
				conns = append(conns, c)
			}
		}
		rnd := rand.New(rand.NewPCG(3, 4))
		payload := make([]byte, memory/8)
		for i := range payload {
			payload[i] = byte(rnd.Uint32()) & 0x1F
		}
		for i := range 60 {
			c := conns[rnd.IntN(len(conns))]
			p := payload[:rnd.IntN(len(payload)>>(i%2*rnd.IntN(16)))]
			if i%10 == 0 {
				p = payload
			}
			out, err := c.AppendMessage(nil, frame.Binary, p)
			if err != nil {
				t.Fatalf("%d MiB: message %d of %d bytes: %v", memory>>20, i, len(p), err)
			}
			c.Wrote(1, len(out))
		}
		t.Logf("%d MiB: %.1f MiB of %d", memory>>20, float64(h.Stats().Memory)/(1<<20), h.options.pages()>>4)
	}
}

// A connection goes on from its snapshot in the middle of a compressed message, here and
// natively.
func TestRestoreCompression(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	var b flight.Birth
	compressing(t, takeover)(&b)
	c := openConn(t, h, compressing(t, takeover))
	defer c.Release()
	text := strings.Repeat("Hello, hello. ", 1000)
	wire := deflated(frame.Text, []byte(text))
	scratch := make([]byte, core.ScratchSize+64<<10)
	_, ev := c.Recv(1, bytes.Clone(wire[:len(wire)/2]), scratch)
	begun := string(ev.Data)
	snapshot := c.AppendSnapshot(nil)
	restored, err := h.Restore(b.Settings, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Release()
	native, err := core.RestoreConn(b.Settings, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	rest := func(n int, ev core.Event) {
		t.Helper()
		if got := begun + string(ev.Data); got != text || !ev.Last || begun == "" {
			t.Errorf("%d bytes came, %v", len(got), ev.Last)
		}
	}
	if agreed, ok := restored.Compression(); !ok || agreed != takeover {
		t.Errorf("%+v, %t", agreed, ok)
	}
	rest(restored.Recv(2, bytes.Clone(wire[len(wire)/2:]), scratch))
	rest(native.Recv(2, bytes.Clone(wire[len(wire)/2:]), scratch))
	out, err := restored.AppendMessage(nil, frame.Text, []byte(text))
	want, err2 := native.AppendMessage(nil, frame.Text, []byte(text))
	if !bytes.Equal(out, want) || err != nil || err2 != nil {
		t.Errorf("%v and %v, or not the same", err, err2)
	}
}
