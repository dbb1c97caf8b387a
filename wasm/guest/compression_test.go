package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

var pool compress.Pool

func compressing() core.Config {
	return core.Config{Pings: core.PingAnswer, Compression: &core.Compression{Lend: &pool, Threshold: -1}}
}

// Agreements: with context takeover, and without.
var (
	withTakeover    = abi.AgreementOf(&deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true})
	withoutTakeover = abi.AgreementOf(&deflate.Params{SendBits: 12, ReceiveBits: 12})
)

func (h *host) openCompressed(role core.Role, agreed uint32) uint64 {
	h.t.Helper()
	return h.handle(wsOpenCompressed(h.settings, 0, uint32(role), agreed))
}

func bothAgreements(t *testing.T, f func(t *testing.T, h *host, role core.Role, agreed uint32)) {
	for _, role := range []core.Role{core.Server, core.Client} {
		for name, agreed := range map[string]uint32{"takeover": withTakeover, "no takeover": withoutTakeover} {
			t.Run(role.String()+", "+name, func(t *testing.T) {
				h := newHost(t, compressing())
				h.seed(abi.Words)
				f(t, h, role, agreed)
			})
		}
	}
}

// compressed returns a message as the peer of a connection with that role sends it,
// without context takeover, in frames of at most size bytes.
func compressed(role core.Role, op frame.Opcode, size int, payload string) (all []byte) {
	d := pool.Deflater(12, 1)
	defer pool.ReturnDeflater(12, 1, d)
	p := d.Deflate(nil, []byte(payload), true)
	h := frame.Header{RSV1: true, Opcode: op, Masked: role == core.Server, Mask: frame.Mask{1, 2, 3, 4}}
	for {
		n := min(size, len(p))
		h.Fin = n == len(p)
		all = frame.AppendFrame(all, h, p[:n])
		if h.Fin {
			return all
		}
		p, h.RSV1, h.Opcode = p[n:], false, frame.Continuation
	}
}

func noise(n int) string {
	p := make([]byte, n)
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(p)
	return string(p)
}

// talk is messages that are compressed and others, with control frames between.
func talk(role core.Role) []byte {
	return bytes.Join([][]byte{
		compressed(role, frame.Text, 1000, "Hello, hello, hello"),
		wire(role, frame.Ping, true, "ping"),
		compressed(role, frame.Binary, 300, noisy(10_000)+strings.Repeat("x", 150_000)),
		wire(role, frame.Text, true, "plain"),
		compressed(role, frame.Text, 5, "Hello, hello, hello"),
		compressed(role, frame.Binary, 10, ""),
		wire(role, frame.Close, true, "\x03\xe8bye"),
	}, nil)
}

// However input is cut, and however many events are wanted at once: the same comes of
// it, and the data of all events of one call is there when it ends.
func TestRecvCompressedInAnyPieces(t *testing.T) {
	bothAgreements(t, func(t *testing.T, h *host, role core.Role, agreed uint32) {
		in := talk(role)
		want, _ := h.replay(h.openCompressed(role, agreed), in, len(in), 1, 0)
		if strings.Count(want, "\n") != 7 || !strings.Contains(want, "Hello, hello, hello") {
			t.Fatalf("%.1000q", want)
		}
		for _, size := range []int{1, 7, 100, len(in)} {
			for _, events := range []uint32{1, 3, 64} {
				for flags := range uint32(2) {
					h.seed(abi.Words)
					conn := h.openCompressed(role, agreed)
					seen, _ := h.replay(conn, in, size, events, flags)
					if seen != want {
						t.Errorf("pieces of %d, %d events, flags %d: %.1000q, want %.1000q", size, events, flags, seen, want)
					}
					h.want("free", wsFree(conn), 0)
				}
			}
		}
		if page.status.held != it.table.at(handle(h.openCompressed(role, agreed))).held*2 {
			t.Errorf("%d bytes are held by two connections", page.status.held)
		}
	})
}

// An event has no more data than is asked for, and those of a call share the memory that
// there is: when it is used up the call ends.
func TestRoomForPlainData(t *testing.T) {
	bothAgreements(t, func(t *testing.T, h *host, role core.Role, agreed uint32) {
		conn := h.openCompressed(role, agreed)
		in := compressed(role, frame.Binary, 1<<20, strings.Repeat("x", 100_000))
		h.want("events", h.recv(conn, in, 4, 1000<<abi.RoomShift), 4)
		for i := range 4 {
			if r := page.records[i]; r.Len != 1000 || data(&r) != strings.Repeat("x", 1000) {
				t.Errorf("event %d has %d bytes", i, r.Len)
			}
		}
		rest := in[page.status.taken:]
		h.want("events", h.recv(conn, rest, 64, 0), 1)
		if r := page.records[0]; r.Len != abi.PlainSize || page.status.flags&abi.FlagMore == 0 {
			t.Errorf("%d bytes, %+v", r.Len, page.status)
		}
		h.want("the rest", h.recv(conn, rest[page.status.taken:], 64, 0), 1)
		if r := page.records[0]; r.Len != 100_000-4000-abi.PlainSize || r.Flags != core.RecordLast || page.status.flags&abi.FlagMore != 0 {
			t.Errorf("%+v, %+v", r, page.status)
		}
	})
}

// An echo gives back the records it got, from where they were decompressed to.
func TestCompressedEcho(t *testing.T) {
	bothAgreements(t, func(t *testing.T, h *host, role core.Role, agreed uint32) {
		conn, peer := h.openCompressed(role, agreed), h.openCompressed(1-role, agreed)
		var in []byte
		var want []string
		for i := range 20 {
			want = append(want, strings.Repeat(fmt.Sprint("message ", i), i))
			copy(it.buffer, want[i])
			if wsSend(peer, uint32(frame.Text), 3, h.buffer, uint32(len(want[i]))) <= 0 || agreed == withTakeover && it.out[0]&0x40 == 0 {
				t.Fatalf("% x", it.out)
			}
			in = append(in, it.out...)
		}
		h.want("events", h.recv(conn, in, 64, 0), 20)
		h.want("echoes", wsSendRecords(conn, 20), 20)
		h.want("events", h.recv(peer, append([]byte(nil), it.out...), 64, 0), 20)
		for i := range want {
			if got := data(&page.records[i]); got != want[i] {
				t.Errorf("message %d came as %q", i, got)
			}
		}
	})
}

// What a call cannot undo it does not begin without words.
func TestCompressedCallsLackingEntropy(t *testing.T) {
	h := newHost(t, compressing())
	in := append(compressed(core.Client, frame.Text, 100, "Hello"), wire(core.Client, frame.Ping, true, "")...)
	for name, tt := range map[string]struct {
		words int
		call  func(c uint64) int32
	}{
		"send":          {1, func(c uint64) int32 { return wsSend(c, 2, 3, h.buffer, 5) }},
		"fragment":      {1, func(c uint64) int32 { return wsSend(c, 1, 1, h.buffer, 5) }},
		"precompressed": {1, func(c uint64) int32 { return wsSendCompressed(c, 2, h.buffer, 5, h.buffer, 5) }},
		"header":        {1, func(c uint64) int32 { return wsHeader(c, 2, 3, 70000) }},
		"recv":          {6, func(c uint64) int32 { return h.recv(c, in, 2, abi.TakeOutput) }},
		"tick":          {3, func(c uint64) int32 { return wsTick(c, 70e9, abi.TakeOutput) }},
		"records": {2, func(c uint64) int32 {
			page.records[0] = core.Record{Op: frame.Binary, Flags: 3, Addr: it.buffer0(), Len: 1}
			page.records[1] = page.records[0]
			return wsSendRecords(c, 2)
		}},
	} {
		conn := h.openCompressed(core.Client, withTakeover)
		h.seed(0)
		copy(it.buffer, "Hello")
		h.refused(name, conn, abi.CodeEntropy, func() int32 { return tt.call(conn) })
		copy(it.buffer, "Hello")
		tt.call(conn)
		if page.status.wanted != uint32(tt.words) {
			t.Errorf("%s: %d words are wanted, want %d", name, page.status.wanted, tt.words)
		}
		h.seed(tt.words)
		copy(it.buffer, "Hello")
		if r := tt.call(conn); r < 0 {
			t.Errorf("%s: %d with %d words", name, r, tt.words)
		}
	}
	conn := h.openCompressed(core.Client, withTakeover)
	h.seed(0)
	h.want("no UTF-8", wsSend(conn, 1, 3, h.buffer, uint32(copy(it.buffer, "\xff"))), -int(core.ErrInvalidText))
	h.want("no message", wsSendCompressed(conn, 9, h.buffer, 1, h.buffer, 1), -int(core.ErrInvalidOpcode))
	h.seed(1)
	page.records[0] = core.Record{Op: frame.Binary, Flags: 3, Addr: it.buffer0(), Len: 1}
	page.records[1] = page.records[0]
	h.want("as many records as there are words", wsSendRecords(conn, 2), 1)
}

// What compression keeps counts, and is refused beyond the limit before anything is
// lost: a compressed message, not what else a peer sends.
func TestLimitOfCompression(t *testing.T) {
	bothAgreements(t, func(t *testing.T, h *host, role core.Role, agreed uint32) {
		kept := map[uint32]uint32{withTakeover: 8 << 10, withoutTakeover: 0}[agreed]
		begins := []byte("\xc2\x85\x00\x00\x00\x00\xf2")
		if role == core.Client {
			begins = []byte("\xc2\x05\xf2")
		}
		h.want("limits", wsLimits(1000, 256<<10), 0)
		p, _ := abi.ParamsOf(agreed)
		var conns []uint64
		for len(conns) < 12 { // with takeover that is three quarters
			conns = append(conns, h.openCompressed(role, agreed))
			if want := uint32(len(conns)) * kept; page.status.held != want {
				t.Fatalf("%d connections hold %d bytes, want %d", len(conns), page.status.held, want)
			}
		}
		begun := 0
		for ; page.status.held+inflating(p) <= 128<<10; begun++ {
			h.want("the beginning of a message", h.recv(conns[begun], begins, 1, 0), 0)
		}
		if want := 12*kept + uint32(begun)*inflating(p); page.status.held != want || begun < 4 {
			t.Fatalf("%d messages hold %d bytes, want %d", begun, page.status.held, want)
		}
		c := conns[begun]
		for _, in := range [][]byte{begins, begins[:1]} {
			h.refused("a message", c, abi.CodeLimit, func() int32 { return h.recv(c, in, 1, 0) })
		}
		h.want("a ping", h.recv(c, wire(role, frame.Ping, true, ""), 1, abi.TakeOutput), 1)
		in := append(wire(role, frame.Text, true, "plain"), begins...)
		h.want("a message that is not compressed", h.recv(c, in, 64, 0), 1)
		if taken := int(page.status.taken); taken != len(in)-len(begins) || page.status.flags&abi.FlagMore == 0 {
			t.Errorf("%d bytes were taken, %+v", taken, page.status)
		}
		h.want("eof", wsEOF(conns[0], 0, 0), 1)
		h.want("once there is memory", h.recv(c, begins, 1, 0), 0)
		if kept > 0 {
			for range 100 {
				wsOpenCompressed(h.settings, 0, uint32(role), agreed)
			}
			h.want("one more connection", int32(wsOpenCompressed(h.settings, 0, uint32(role), agreed)), -int(abi.CodeLimit))
		}
		for i := range it.table.places {
			wsFree(uint64(it.table.places[i].gen)<<32 | uint64(i))
		}
		if page.status.held != 0 || page.status.connections != 0 {
			t.Errorf("%d connections hold %d bytes", page.status.connections, page.status.held)
		}
	})
}

// Without takeover a window is there while a message goes out in fragments.
func TestFragmentsWithoutTakeover(t *testing.T) {
	h := newHost(t, compressing())
	h.want("limits", wsLimits(1000, 256<<10), 0)
	c := h.openCompressed(core.Server, withoutTakeover)
	for i, f := range []struct{ op, flags, held uint32 }{
		{2, abi.First, 4 << 10}, {0, 0, 4 << 10}, {0, abi.Last, 0}, // a message
		{2, abi.Last, 0}, {2, abi.First | abi.Last, 0},
	} {
		if wsSend(c, f.op, f.flags, h.buffer, 100) <= 0 {
			t.Fatalf("fragment %d: %s", i, it.out)
		}
		if page.status.held != f.held {
			t.Errorf("behind fragment %d %d bytes are held, want %d", i, page.status.held, f.held)
		}
	}
	it.held = it.memory / 2
	h.refused("a fragment", c, abi.CodeLimit, func() int32 { return wsSend(c, 2, abi.First, h.buffer, 1) })
	if wsSend(c, 2, abi.First|abi.Last, h.buffer, 1) <= 0 {
		t.Error("a whole message needs no window")
	}
}

// A server's handshake ends with what was negotiated; what may be kept must be there.
func TestHandshakeWithCompression(t *testing.T) {
	h := newHost(t, compressing())
	h.seed(abi.Words)
	ptr, n := h.lend(abi.AppendClient(nil, core.RequestOptions{Host: "a"}))
	client, server := h.handle(wsClient(h.settings, 0, ptr, n)), h.handle(wsServer(h.settings, 0))
	wsOutput(client)
	h.want("the request", h.recv(server, append([]byte(nil), it.out...), 64, 0), 1)
	ptr, n = h.lend(abi.AppendAccept(nil, core.AcceptOptions{}))
	held := it.held
	it.held = it.memory/2 - 8<<10 - abi.HandshakeCost
	h.refused("accept", server, abi.CodeLimit, func() int32 { return wsAccept(server, 0, ptr, n) })
	it.held = held
	ptr, n = h.lend(abi.AppendAccept(nil, core.AcceptOptions{}))
	h.want("accept", wsAccept(server, 0, ptr, n), 0)
	if page.status.flags&abi.FlagCompressed == 0 || wsOutput(server) <= 0 {
		t.Fatalf("%+v", page.status)
	}
	h.want("the answer", h.recv(client, append([]byte(nil), it.out...), 64, 0), 1)
	if page.status.held != 16<<10 || page.status.flags&abi.FlagCompressed == 0 {
		t.Errorf("%+v", page.status)
	}
	h.want("what the server has agreed on", wsCompression(server), int(withTakeover))
	h.want("what the client has agreed on", wsCompression(client), int(withTakeover))
	h.want("a connection that does not compress", wsCompression(h.open(core.Server)), 0)
}

// In steady state compression makes no garbage, and allocates nothing.
func TestCompressingMakesNoGarbage(t *testing.T) {
	bothAgreements(t, func(t *testing.T, h *host, role core.Role, agreed uint32) {
		conn := h.openCompressed(role, agreed)
		in := compressed(role, frame.Text, 1<<20, strings.Repeat("Hello, hello. ", 70))
		round := func() {
			h.seed(abi.Words)
			for range 3 {
				ptr, n := h.lend(in)
				if wsRecv(conn, 0, ptr, n, 64, 0) != 1 || wsSendRecords(conn, 1) != 1 || it.out[0]&0x40 == 0 {
					t.Fatalf("%+v", page.status)
				}
				wsWrote(conn, 0, page.status.length)
			}
		}
		round()
		garbage := it.garbage
		if n := testing.AllocsPerRun(100, round); n != 0 {
			t.Errorf("%v allocations for three messages", n)
		}
		if it.garbage != garbage {
			t.Errorf("%d bytes of garbage", it.garbage-garbage)
		}
	})
}

// Restored connections go on, hold what they need, and are refused beyond the limit.
func TestSnapshotOfCompression(t *testing.T) {
	bothAgreements(t, func(t *testing.T, h *host, role core.Role, agreed uint32) {
		in := compressed(role, frame.Text, 1<<20, noisy(3000))
		conn := h.openCompressed(role, agreed)
		h.want("a part", h.recv(conn, in[:500], 1, 0), 1)
		held := page.status.held
		if wsSnapshot(conn) <= 0 {
			t.Fatal("no snapshot")
		}
		snapshot := bytes.Clone(it.out)
		restore := func() int64 { return wsRestore(h.settings, h.buffer, uint32(copy(it.buffer, snapshot))) }
		other := h.handle(restore())
		if page.status.held != 2*held || page.status.flags&abi.FlagCompressed == 0 {
			t.Errorf("%+v after %d bytes were held", page.status, held)
		}
		h.want("agreed", wsCompression(other), int(agreed))
		if a, b := h.state(conn), h.state(other); a != b {
			t.Errorf("the state is\n%s, want\n%s", b, a)
		}
		h.want("the rest", h.recv(other, in[500:], 1, 0), 1)
		if got := data(&page.records[0]); !strings.HasSuffix(noisy(3000), got) {
			t.Errorf("%q", got)
		}
		p, _ := abi.ParamsOf(agreed)
		it.held = it.memory/2 - inflating(p)
		h.want("no memory", int32(restore()), -int(abi.CodeLimit))
	})
}

func noisy(n int) string { return fmt.Sprintf("%x", noise(n/2)) }

func TestOpenCompressedNeedsAnAgreement(t *testing.T) {
	h := newHost(t, compressing())
	for _, agreed := range []uint32{1, 7 | 12<<8, 12 | 16<<8, 12, 12 << 8, 12 | 12<<8 | 1<<18, 1<<32 - 1} {
		h.want(fmt.Sprint(agreed), int32(wsOpenCompressed(h.settings, 0, 0, agreed)), -int(abi.CodeArgument))
	}
	h.want("none", wsCompression(h.openCompressed(core.Server, 0)), 0)
	plain := h.makeSettings(core.Config{})
	h.want("settings that do not compress", int32(wsOpenCompressed(plain, 0, 0, withTakeover)), -int(abi.CodeArgument))
	h.want("no settings", int32(wsOpenCompressed(99, 0, 0, withTakeover)), -int(abi.CodeHandle))
}
