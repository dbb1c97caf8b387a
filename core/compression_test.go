package core

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A lender counts what it has lent, and spoils what comes back.
type lender struct {
	t     testing.TB
	out   int
	spare map[[2]uint8]*deflate.Deflater
}

func newLender(t testing.TB) *lender {
	return &lender{t: t, spare: make(map[[2]uint8]*deflate.Deflater)}
}

func (l *lender) Inflater() *deflate.Inflater {
	l.out++
	z := new(deflate.Inflater)
	w := z.Window(8)
	z.Inflate(&w, make([]byte, 10), []byte{6}) // it comes in any state
	return z
}

func (l *lender) ReturnInflater(z *deflate.Inflater) { l.out-- }

func (l *lender) Deflater(bits, level uint8) *deflate.Deflater {
	l.out++
	d := l.spare[[2]uint8{bits, level}]
	if d == nil {
		c, err := compress.New(bits, int(level))
		if err != nil {
			l.t.Fatal(err)
		}
		d = &deflate.Deflater{Compressor: c}
		l.spare[[2]uint8{bits, level}] = d
	}
	return d
}

func (l *lender) ReturnDeflater(bits, level uint8, d *deflate.Deflater) { l.out-- }

// whole limits nothing.
var whole = deflate.Params{SendBits: 15, ReceiveBits: 15, SendTakeover: true, ReceiveTakeover: true}

func compressing(t testing.TB) Config {
	return Config{Pings: PingAnswer, Compression: &Compression{Lend: newLender(t)}}
}

// deflating returns an end of an open connection that compresses.
func deflating(t testing.TB, role Role, c Config, agreed deflate.Params) *end {
	t.Helper()
	e := openedWith(t, role, c)
	if err := e.Compress(agreed); err != nil {
		t.Fatal(err)
	}
	return e
}

// The examples of RFC 7692 section 7.2.3, received by both roles in pieces of any
// size.
func TestCompressedExamplesOfTheRFC(t *testing.T) {
	for _, test := range []struct {
		name, wire string
		events     []string
	}{
		{"7.2.3.1, one frame", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", []string{"text Hello"}},
		{"7.2.3.1, two frames", "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", []string{"text Hello"}},
		{"7.2.3.2, context takeover", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00", []string{"text Hello", "text Hello"}},
		{"7.2.3.3, not compressed", "\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", []string{"text Hello"}},
		{"7.2.3.4, a final block", "\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", []string{"text Hello"}},
		{"7.2.3.5, two blocks", "\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", []string{"text Hello"}},
		{"7.2.3.6, an empty message", "\xc1\x01\x00", []string{"text "}},
		{"an empty message without a byte", "\xc1\x00\x41\x00\x80\x00", []string{"text ", "text "}},
		{"a plain message between", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x81\x02hi\xc1\x05\xf2\x00\x11\x00\x00", []string{"text Hello", "text hi", "text Hello"}},
		{"empty fragments", "\x41\x00\x00\x03\xf2\x48\xcd\x00\x00\x00\x04\xc9\xc9\x07\x00\x80\x00", []string{"text Hello"}},
		{"a ping between fragments", "\x41\x03\xf2\x48\xcd\x89\x01p\x80\x04\xc9\xc9\x07\x00", []string{"text Hello", "ping p"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, role Role) {
				for _, size := range []int{1, 2, 3, 1000} {
					cfg := compressing(t)
					e := deflating(t, role, cfg, whole)
					e.recvPieces(test.wire, size)
					e.wantEvents(test.events...)
					e.wantErr(0)
					if out := cfg.Compression.Lend.(*lender).out; out != 0 {
						t.Errorf("%d things that were lent have not come back", out)
					}
				}
			})
		})
	}
}

// What breaks the extension ends the connection, with the code that fits, and whatever
// was lent comes back.
func TestCompressedMessagesThatAreBad(t *testing.T) {
	compressed := func(op byte, p string) string {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 9)
		w.Write([]byte(p))
		w.Flush()
		data := strings.TrimSuffix(b.String(), deflate.Tail)
		if len(data) < 126 {
			return string([]byte{op, byte(len(data))}) + data
		}
		return string([]byte{op, 126, byte(len(data) >> 8), byte(len(data))}) + data
	}
	for _, test := range []struct {
		name, wire string
		want       Error
	}{
		{"RSV1 on a continuation", "\x41\x03\xf2\x48\xcd\xc0\x04\xc9\xc9\x07\x00", ErrReservedBits},
		{"RSV1 on a ping", "\xc9\x00", ErrReservedBits},
		{"RSV2", "\xa1\x00", ErrReservedBits},
		{"corrupt data", "\xc1\x01\x07", ErrInflate},
		{"data that ends too early", "\xc1\x03\xf2\x48\xcd", ErrInflate},
		{"a distance before the beginning", "\xc1\x05\xf2\x00\x11\x00\x00", ErrInflate},
		{"text that is not UTF-8", compressed(0xc1, strings.Repeat("x", 500)+"\xff"), ErrInvalidUTF8},
		{"text that ends inside a character", compressed(0xc1, "\xc3"), ErrInvalidUTF8},
		{"as much as may be", compressed(0xc2, strings.Repeat("x", 1000)), 0},
		{"one byte more", compressed(0xc2, strings.Repeat("x", 1001)), ErrMessageTooBig},
		{"much more", compressed(0xc2, strings.Repeat("x", 900_000)), ErrMessageTooBig},
		{"more on the wire than anything becomes", "\xc2\x7e\x04\x67", ErrFrameTooBig},
		{"more on the wire in fragments", "\x42\x7e\x02\x00" + strings.Repeat("\x00\x00\x00\xff\xff", 103)[:512] + "\x80\x7e\x02\x67", ErrMessageTooBig},
	} {
		t.Run(test.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, role Role) {
				for _, size := range []int{1, 1000} {
					cfg := compressing(t)
					cfg.MaxMessageSize, cfg.MaxFrameSize = 1000, 1000
					e := deflating(t, role, cfg, whole)
					e.recvPieces(test.wire, size)
					e.wantErr(test.want)
					if test.want != 0 {
						e.wantOutput(closeFrame(test.want))
					}
					if out := cfg.Compression.Lend.(*lender).out; out != 0 {
						t.Errorf("%d things that were lent have not come back", out)
					}
				}
			})
		})
	}
	// The peer closes, or is lost, in the middle of a message.
	for name, end := range map[string]func(*end){
		"close": func(e *end) { e.recv("\x88\x00") },
		"lost":  func(e *end) { e.lost() },
	} {
		cfg := compressing(t)
		e := deflating(t, Server, cfg, whole)
		e.recv("\x41\x03\xf2\x48\xcd")
		end(e)
		if out := cfg.Compression.Lend.(*lender).out; out != 0 {
			t.Errorf("%s: %d things that were lent have not come back", name, out)
		}
	}
}

// What would become 64 MiB is given up at the limit.
func TestABomb(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	zeros := make([]byte, 1<<20)
	for range 64 {
		w.Write(zeros)
	}
	w.Flush()
	data := b.Bytes()
	e := deflating(t, Client, Config{Compression: &Compression{Lend: newLender(t)}}, whole)
	wire := frame.AppendFrame(nil, frame.Header{Fin: true, RSV1: true, Opcode: frame.Binary}, data)
	total := 0
	scratch := make([]byte, ScratchSize+16<<10)
	for in := wire; ; {
		n, ev := e.Recv(0, in, scratch)
		in = in[n:]
		total += len(ev.Data)
		if ev.Kind == EventFailed || ev.Kind == EventNone {
			break
		}
	}
	if e.Err() != ErrMessageTooBig || total > 1<<20 {
		t.Errorf("%v after %d bytes; want %v", e.Err(), total, ErrMessageTooBig)
	}
}

// policies that two sides may have.
func policies(t testing.TB) (list []*Compression) {
	lend := newLender(t)
	for _, bits := range []int{8, 9, 12, 15} {
		for i := range 4 {
			list = append(list, &Compression{
				SendWindowBits: bits, ReceiveWindowBits: 23 - bits,
				NoSendTakeover: i&1 == 1, NoReceiveTakeover: i&2 == 2, Threshold: -1, Lend: lend,
			})
		}
	}
	return list
}

// Two sides that agree in their handshake understand one another, in both directions.
func TestCompressedConversations(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var messages []string
	for i := range 40 {
		m := fmt.Sprintf(`{"id": %d, "name": "someone-%d", "list": [%v, %v]}`, i, rnd.IntN(9), rnd.Float64(), rnd.Float64())
		switch i % 8 {
		case 3:
			m = ""
		case 5:
			m = strings.Repeat(m, 50)
		}
		messages = append(messages, m)
	}
	all := policies(t)
	for _, theirs := range all {
		for _, ours := range all {
			client, server := shakeHands(t, ours, theirs)
			agreed, ok := client.Compression()
			if !ok {
				t.Fatalf("%+v and %+v do not agree", ours, theirs)
			}
			for i, m := range messages {
				from, to := client, server
				if i%3 == 0 {
					from, to = server, client
				}
				var wire []byte
				var err error
				if i%4 == 0 && len(m) > 10 {
					wire, err = from.AppendFragment(nil, frame.Text, []byte(m[:5]), false)
					if err == nil {
						wire, err = from.AppendFragment(wire, frame.Continuation, []byte(m[5:]), true)
					}
				} else {
					wire, err = from.AppendMessage(nil, frame.Text, []byte(m))
				}
				if err != nil {
					t.Fatal(err)
				}
				if wire[0]&0x40 == 0 && (from.deflater().params.SendTakeover || len(m) > 200) {
					t.Fatalf("message %d is not compressed: % x", i, wire[:2])
				}
				to.recvRaw(string(wire))
				if len(to.events) != 1 || to.events[0] != "text "+m {
					t.Fatalf("%+v: message %d came as %.100q, %v", agreed, i, to.events, to.Err())
				}
				to.events = nil
			}
			for _, e := range []*end{client, server} {
				z := e.deflater()
				if !z.params.SendTakeover && z.send.Size() > 0 || !z.params.ReceiveTakeover && z.receive.Size() > 0 {
					t.Fatalf("%+v keeps windows of %d and %d bytes", z.params, z.send.Size(), z.receive.Size())
				}
				if int(z.send.Size()) > 1<<z.params.SendBits || z.receive.Size() > 1<<z.params.ReceiveBits {
					t.Fatalf("%+v keeps windows of %d and %d bytes", z.params, z.send.Size(), z.receive.Size())
				}
			}
		}
	}
}

// What becomes no shorter is sent as it is, unless the window has to know of it.
func TestWhatBecomesNoShorter(t *testing.T) {
	noise := make([]byte, 1000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for _, takeover := range []bool{false, true} {
		agreed := deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: takeover}
		e := deflating(t, Server, compressing(t), agreed)
		for _, test := range []struct {
			p    string
			want bool // compressed
		}{{string(noise), takeover}, {strings.Repeat("x", 1000), true}} {
			wire, err := e.AppendMessage(nil, frame.Binary, []byte(test.p))
			if err != nil || (wire[0]&0x40 != 0) != test.want {
				t.Errorf("takeover %t, %.10q: % x, %v", takeover, test.p, wire[:4], err)
			}
			if !test.want && string(wire[4:]) != test.p {
				t.Errorf("% x", wire)
			}
		}
		wire, err := e.AppendFragment(nil, frame.Binary, noise, false)
		if err != nil || wire[0] != 0x42 {
			t.Errorf("a fragment: % x, %v", wire[:2], err)
		}
	}
}

// shakeHands opens a connection between two sides with these policies.
func shakeHands(t testing.TB, ours, theirs *Compression) (client, server *end) {
	t.Helper()
	cc, err := NewClient(settings(t, Config{Compression: ours}), 0, RequestOptions{Host: "a"})
	if err != nil {
		t.Fatal(err)
	}
	client, server = wrap(t, cc), wrap(t, NewServer(settings(t, Config{Compression: theirs}), 0))
	server.recvRaw(string(client.AppendOutput(nil)))
	if err := server.Accept(0, AcceptOptions{}); err != nil {
		t.Fatal(err)
	}
	client.recvRaw(string(server.AppendOutput(nil)))
	client.wantEvents("open")
	server.events = nil
	return client, server
}

// Who does not compress offers nothing and accepts nothing.
func TestNoCompressionUnlessBothWantIt(t *testing.T) {
	on := &Compression{Lend: newLender(t)}
	for _, test := range []struct {
		ours, theirs *Compression
		want         bool
	}{{nil, nil, false}, {on, nil, false}, {nil, on, false}, {on, on, true}} {
		client, server := shakeHands(t, test.ours, test.theirs)
		for _, e := range []*end{client, server} {
			if _, ok := e.Compression(); ok != test.want {
				t.Errorf("client %t, server %t: %v compresses: %t", test.ours != nil, test.theirs != nil, e.Role(), ok)
			}
		}
	}
}

// A server takes the first offer that it can accept, and leaves others alone.
func TestOffersInTheirOrder(t *testing.T) {
	for _, test := range []struct{ offers, want string }{
		{"permessage-deflate", "permessage-deflate; client_no_context_takeover; server_max_window_bits=12"},
		{"x-unknown, permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"},
		{"permessage-deflate; x, permessage-deflate; server_max_window_bits=9", "permessage-deflate; client_no_context_takeover; server_max_window_bits=9"},
		{`permessage-deflate; server_max_window_bits="10"; client_max_window_bits`, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12"},
		{"permessage-deflate; x", ""},
		{"x-unknown", ""},
		{"permessage-bzip2", ""},
	} {
		r := &Request{Fields: []Field{{"Sec-WebSocket-Extensions", test.offers}}}
		got, agreed := settings(t, compressing(t)).Negotiate(r)
		if got != test.want || (agreed != nil) != (test.want != "") {
			t.Errorf("%q is answered %q; want %q", test.offers, got, test.want)
		}
	}
}

// A client fails on what it has not offered.
func TestExtensionsThatWereNotOffered(t *testing.T) {
	off, on := settings(t, Config{}), settings(t, compressing(t))
	for _, test := range []struct {
		s          *Settings
		extensions []string
		want       Error
	}{
		{off, nil, 0},
		{off, []string{"permessage-deflate"}, ErrResponseExtension},
		{on, nil, 0},
		{on, []string{"permessage-deflate; server_max_window_bits=12"}, 0},
		{on, []string{"permessage-deflate; server_max_window_bits=12; client_max_window_bits=8"}, 0},
		{on, []string{"permessage-deflate"}, ErrResponseExtension},
		{on, []string{"permessage-deflate; server_max_window_bits=13"}, ErrResponseExtension},
		{on, []string{"x-unknown"}, ErrResponseExtension},
		{on, []string{"permessage-deflate; server_no_context_takeover, x-unknown"}, ErrResponseExtension},
		{on, []string{"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"}, ErrResponseExtension},
		{on, []string{""}, ErrResponseExtension},
		{on, []string{"permessage-deflate;"}, ErrResponseExtension},
	} {
		r := &Response{Status: 200}
		for _, e := range test.extensions {
			r.Fields = append(r.Fields, Field{"Sec-WebSocket-Extensions", e})
		}
		_, agreed, err := r.CheckConnect(test.s, nil)
		if test.want == 0 && err != nil || test.want != 0 && err != test.want {
			t.Errorf("%q: %v; want %v", test.extensions, err, test.want)
		}
		if (agreed != nil) != (err == nil && len(test.extensions) > 0) {
			t.Errorf("%q: agreed on %v", test.extensions, agreed)
		}
	}
}

// A snapshot in the middle of anything goes on as the connection does.
func TestSnapshotsOfCompressedConnections(t *testing.T) {
	client, server := shakeHands(t, &Compression{Lend: newLender(t)}, &Compression{Lend: newLender(t)})
	var wire []byte
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range 12 {
		p := make([]byte, 100+rnd.IntN(400))
		for i := range p {
			p[i] = "abcdefghij{}:,\"\x00\xff"[rnd.IntN(17)]
		}
		wire, _ = client.AppendMessage(wire, frame.Binary, append(p, fmt.Sprint("message ", i)...))
	}
	for len(wire) > 0 {
		n := min(len(wire), 1+rnd.IntN(40))
		s, err := RestoreConn(server.set, server.Conn.AppendSnapshot(nil))
		if err != nil {
			t.Fatal(err)
		}
		for name, twin := range map[string]*Conn{"Snapshot": server.Snapshot(), "RestoreConn": s} {
			one := server.Snapshot()
			if dumpOf(one) != dumpOf(twin) {
				t.Fatalf("%s: the state is another one:\n%s%s", name, dumpOf(one), dumpOf(twin))
			}
			if a, b := contents(one, wire), contents(twin, wire); !bytes.Equal(a, b) || dumpOf(one) != dumpOf(twin) || one.Err() != nil {
				t.Fatalf("%s: it goes on in another way, %v", name, twin.Err())
			}
		}
		server.recvRaw(string(wire[:n]))
		wire = wire[n:]
	}
	// Whatever is done to a snapshot, no restored connection does worse than fail.
	image := server.Conn.AppendSnapshot(nil)
	for i := range image {
		for _, bit := range []byte{1, 0x80, 0xff} {
			forged := bytes.Clone(image)
			forged[i] ^= bit
			c, err := RestoreConn(server.set, forged)
			if err != nil {
				continue
			}
			e := wrap(t, c)
			buf := make([]byte, 100)
			for range 20 {
				if _, ev := e.Recv(0, buf, make([]byte, ScratchSize+200)); ev.Kind == EventNone {
					break
				}
			}
		}
	}
	if _, err := RestoreConn(settings(t, Config{}), image); !errors.As(err, new(*SnapshotError)) {
		t.Errorf("with settings that do not compress: %v", err)
	}
}

// contents returns what c makes of the rest of the input.
func contents(c *Conn, wire []byte) (all []byte) {
	scratch := make([]byte, ScratchSize+100)
	for in := bytes.Clone(wire); ; {
		n, ev := c.Recv(0, in, scratch)
		in = in[n:]
		if ev.Kind == EventNone {
			return all
		}
		all = append(all, ev.Data...)
	}
}

// AppendHeader sends as it is, and cannot go on with what began compressed.
func TestHeadersOnACompressedConnection(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := deflating(t, role, compressing(t), whole)
		out, _, err := e.AppendHeader(nil, frame.Binary, HeaderOptions{}, 1000)
		if err != nil || out[0] != 0x82 {
			t.Errorf("% x, %v", out, err)
		}
		if _, err := e.AppendFragment(nil, frame.Binary, []byte("x"), false); err != nil {
			t.Fatal(err)
		}
		if _, _, err := e.AppendHeader(nil, frame.Continuation, HeaderOptions{}, 1000); err != ErrMessageInProgress {
			t.Errorf("%v; want %v", err, ErrMessageInProgress)
		}
		if _, err := e.AppendFragment(nil, frame.Continuation, nil, true); err != nil {
			t.Error(err)
		}
	})
}

// An Inflater is borrowed in no call of Recv but one that BeginsCompressed tells of
// before, whether the header comes in pieces or not.
func TestInflatersAreForetold(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		const wire = "\x02\x01x\x00\x00\x80\x00" + "\x89\x01p" + "\x41\x03\xf2\x48\xcd" + "\x8a\x00" + "\x80\x04\xc9\xc9\x07\x00" + "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"
		for size := 1; size <= len(wire); size++ {
			c := compressing(t)
			lend := c.Compression.Lend.(*lender)
			e := deflating(t, role, c, whole)
			foretold, lent := 0, 0
			for rest := []byte(from(role.peer(), wire)); len(rest) > 0; {
				in := rest[:min(size, len(rest))]
				before, told := lend.out, e.BeginsCompressed(in)
				n, ev := e.Recv(0, in, make([]byte, ScratchSize+100))
				rest = rest[n:]
				if told {
					foretold++
				}
				if ended := ev.Last && ev.Op == frame.Text; before == 0 && (lend.out == 1 || ended) {
					lent++
					if !told {
						t.Errorf("pieces of %d: nothing told of an Inflater before %q", size, in)
					}
				}
				if e.Inflating() != (lend.out == 1) {
					t.Errorf("pieces of %d: Inflating is %t, %d are lent", size, e.Inflating(), lend.out)
				}
			}
			if lent != 2 || foretold < 2 || e.Err() != nil {
				t.Errorf("pieces of %d: %d Inflaters, %d foretold, %v", size, lent, foretold, e.Err())
			}
		}
		if e := opened(t, role); e.BeginsCompressed([]byte("\xc1")) {
			t.Error("a connection that does not compress was to borrow an Inflater")
		}
	})
}

func TestCompressionPolicies(t *testing.T) {
	lend := newLender(t)
	for _, test := range []struct {
		c     Compression
		field string
	}{
		{Compression{Lend: lend}, ""},
		{Compression{Lend: lend, SendWindowBits: 8, ReceiveWindowBits: 15, Level: 9, Threshold: -1}, ""},
		{Compression{Lend: lend, SendWindowBits: 7}, "SendWindowBits"},
		{Compression{Lend: lend, ReceiveWindowBits: 16}, "ReceiveWindowBits"},
		{Compression{Lend: lend, ReceiveWindowBits: -1}, "ReceiveWindowBits"},
		{Compression{Lend: lend, Level: 10}, "Level"},
		{Compression{}, "Lend"},
	} {
		_, err := NewSettings(Config{Compression: &test.c})
		if test.field == "" && err != nil || test.field != "" && (err == nil || !strings.Contains(err.Error(), test.field)) {
			t.Errorf("%+v: %v; want an error about %q", test.c, err, test.field)
		}
	}
	// Config gives back what makes the same Settings.
	s := settings(t, Config{Compression: &Compression{Lend: lend, SendWindowBits: 9, NoReceiveTakeover: true, Threshold: -1}})
	again := settings(t, s.Config())
	if *s.compression != *again.compression {
		t.Errorf("%+v became %+v", s.compression, again.compression)
	}
}

// An echo of a compressed message allocates nothing.
func TestCompressingAllocatesNothing(t *testing.T) {
	client, server := shakeHands(t, &Compression{Lend: pooled(t)}, &Compression{Lend: pooled(t)})
	p := []byte(strings.Repeat("hello, hello ", 50))
	var wire, out, scratch []byte
	scratch = make([]byte, ScratchSize+4096)
	round := func() {
		wire, _ = client.AppendMessage(wire[:0], frame.Text, p)
		out = out[:0]
		for in := wire; ; {
			n, ev := server.Recv(0, in, scratch)
			in = in[n:]
			if ev.Kind == EventNone {
				break
			}
			out, _ = server.AppendMessage(out, ev.Op, ev.Data)
		}
		for in := out; ; {
			n, ev := client.Recv(0, in, scratch)
			in = in[n:]
			if ev.Kind == EventNone {
				break
			}
			if !bytes.Equal(ev.Data, p) {
				t.Fatal("another message came back")
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(50, round); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// pooled returns a lender that keeps one of everything.
func pooled(t testing.TB) deflate.Lender {
	return &oneOfEach{lender: newLender(t), z: new(deflate.Inflater)}
}

type oneOfEach struct {
	*lender
	z *deflate.Inflater
}

func (o *oneOfEach) Inflater() *deflate.Inflater { return o.z }

// Compress refuses what it cannot do, and changes nothing.
func TestCompressMisuse(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		for name, test := range map[string]struct {
			config Config
			agreed deflate.Params
			before func(e *end)
			want   error
		}{
			"no policy":        {Config{}, whole, nil, ErrHandshakeOption},
			"a large window":   {compressing(t), deflate.Params{SendBits: 15, ReceiveBits: 16}, nil, ErrHandshakeOption},
			"a small window":   {compressing(t), deflate.Params{SendBits: 7, ReceiveBits: 15}, nil, ErrHandshakeOption},
			"no windows":       {compressing(t), deflate.Params{}, nil, ErrHandshakeOption},
			"twice":            {compressing(t), whole, func(e *end) { e.Compress(whole) }, ErrNotOpen},
			"within a message": {compressing(t), whole, func(e *end) { e.AppendFragment(nil, frame.Text, nil, false) }, ErrNotOpen},
			"within a frame":   {compressing(t), whole, func(e *end) { e.Recv(0, []byte("\x82"), nil) }, ErrNotOpen},
			"after the end":    {compressing(t), whole, func(e *end) { e.Lost(0) }, ErrNotOpen},
		} {
			e := openedWith(t, role, test.config)
			if test.before != nil {
				test.before(e)
			}
			before := string(e.AppendState(nil))
			if err := e.Compress(test.agreed); err != test.want {
				t.Errorf("%s: %v; want %v", name, err, test.want)
			}
			if after := string(e.AppendState(nil)); after != before {
				t.Errorf("%s: the state is %s; want %s", name, after, before)
			}
		}
	})
}

// A scratch that has no room for what was compressed fails the connection, which has
// not lost a byte in silence then.
func TestCompressedWithoutScratch(t *testing.T) {
	e := deflating(t, Client, compressing(t), whole)
	if _, ev := e.Recv(0, []byte("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), make([]byte, ScratchSize)); ev.Kind != EventFailed || e.Err() != ErrInflate {
		t.Errorf("%+v, %v", ev, e.Err())
	}
}

// Whoever lets go of a connection in the middle of messages gets back what it was lent.
func TestReleaseOfCompressed(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		c := compressing(t)
		e := deflating(t, role, c, whole)
		e.Recv(0, []byte(from(role.peer(), "\x41\x03\xf2\x48\xcd")), make([]byte, 1000))
		e.AppendFragment(nil, frame.Text, []byte("hello"), false)
		lend := c.Compression.Lend.(*lender)
		if lend.out != 1 {
			t.Fatalf("%d things are lent", lend.out)
		}
		e.Release()
		if z := e.deflater(); lend.out != 0 || z.send.Size()+z.receive.Size() > 0 || e.Transport() != TransportAbort {
			t.Errorf("%d things are lent, windows of %d and %d bytes, %v", lend.out, z.send.Size(), z.receive.Size(), e.Transport())
		}
		e.Release()
		if n, ev := e.Recv(0, []byte(from(role.peer(), "\x80\x04\xc9\xc9\x07\x00")), make([]byte, 1000)); ev.Kind != EventNone || n == 0 {
			t.Errorf("%d, %+v", n, ev)
		}
		if _, err := e.AppendFragment(nil, frame.Continuation, nil, true); err != ErrNotOpen {
			t.Error(err)
		}
	})
}

// The size that a snapshot tells is checked: else there would be no limit to a bomb.
// What may be larger on the wire than MaxSize is taken.
func TestSnapshotsOfSizes(t *testing.T) {
	c := compressing(t)
	c.MaxMessageSize = -1
	e := deflating(t, Client, c, whole)
	e.Recv(0, []byte("\xc2\x7f\x00\x00\x00\x00\x40\x00\x00\x01"), make([]byte, 1000)) // 1 GiB and a byte
	if _, err := RestoreConn(e.set, e.AppendSnapshot(nil)); err != nil || e.Err() != nil {
		t.Error(err, e.Err())
	}
	c.MaxMessageSize = 1000
	e = deflating(t, Client, c, whole)
	e.Recv(0, []byte("\xc2\x05\xf2"), make([]byte, 1000))
	e.hs.z.size = 1001
	if _, err := RestoreConn(e.set, e.AppendSnapshot(nil)); err == nil {
		t.Error("a size beyond the limit was taken")
	}
}
