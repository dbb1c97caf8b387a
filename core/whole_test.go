package core

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/fb1e3c20/websockets/core/frame"
)

// A Record is what docs/wasm-abi.md says of an event record.
func TestRecordLayout(t *testing.T) {
	var r Record
	for name, c := range map[string][2]uintptr{
		"size": {unsafe.Sizeof(r), 16}, "kind": {unsafe.Offsetof(r.Kind), 0}, "opcode": {unsafe.Offsetof(r.Op), 1},
		"flags": {unsafe.Offsetof(r.Flags), 2}, "code": {unsafe.Offsetof(r.Code), 4}, "address": {unsafe.Offsetof(r.Addr), 8},
		"length": {unsafe.Offsetof(r.Len), 12},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %d, want %d", name, c[0], c[1])
		}
	}
}

const recordBase = 0xFFFFFF00 // addresses wrap

// recvRecords passes input like recvRaw, with messages in bunches of at most most, and
// returns how many came so.
func (e *end) recvRecords(in string, most int) (bunched int) {
	e.t.Helper()
	buf := []byte(in)
	records := make([]Record, most)
	for {
		n, count := e.RecvRecords(e.at, buf, recordBase, records)
		for _, r := range records[:count] {
			data := buf[r.Addr-recordBase:][:r.Len]
			e.note(Event{Kind: r.Kind, Op: r.Op, First: r.Flags&RecordFirst != 0, Last: r.Flags&RecordLast != 0, Code: r.Code, Data: data})
		}
		bunched += count
		spoil(buf[:n])
		buf = buf[n:]
		if count == most {
			continue
		}
		n, more := e.recvOnce(string(buf))
		if buf = buf[n:]; !more {
			return bunched
		}
	}
}

// Records in bunches of any size, the same input byte by byte: the same events, output
// and state.
func TestRecvRecordsLikeRecv(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	bunched := 0
	for range 300 {
		for _, r := range rechunkEnds[:2] {
			in := []byte(from(r.role.peer(), conversation(rnd)))
			for range 3 {
				bunches, bytewise := r.new(t), r.new(t)
				bunches.at, bytewise.at = 5, 5
				bunched += bunches.recvRecords(string(in), 1+rnd.IntN(5))
				bytewise.feed(string(in), func() int { return 1 })
				if a, b := strings.Join(bunches.events, "|"), strings.Join(bytewise.events, "|"); a != b {
					t.Fatalf("%+v: events of %q\nbunches  %q\nbytewise %q", r, in, a, b)
				}
				if bunches.output != bytewise.output {
					t.Fatalf("%+v: output for %q\nbunches  %q\nbytewise %q", r, in, bunches.output, bytewise.output)
				}
				if a, b := dumpOf(bunches.Conn), dumpOf(bytewise.Conn); a != b {
					t.Fatalf("%+v: state after %q\nbunches  %sbytewise %s", r, in, a, b)
				}
				in[rnd.IntN(len(in))] ^= 1 << rnd.IntN(8)
			}
		}
	}
	if bunched < 1000 {
		t.Errorf("only %d messages came in bunches", bunched)
	}
}

// What RecvRecords takes, and what it leaves as it came.
func TestRecvRecords(t *testing.T) {
	limits := Config{Pings: PingAnswer, MaxMessageSize: 200}
	for _, tt := range []struct {
		name, before, in string
		count            int
	}{
		{"nothing", "", "", 0},
		{"one", "", "\x81\x05Hello", 1},
		{"empty ones", "", "\x81\x00\x82\x00", 2},
		{"with two bytes of length", "", "\x82\x7e\x00\x7e" + pattern(126), 1},
		{"at the limit", "", "\x82\x7e\x00\xc8" + pattern(200), 1},
		{"above the limit", "", "\x82\x00\x82\x7e\x00\xc9" + pattern(201), 1},
		{"with a length that is not minimal", "", "\x82\x7e\x00\x7d" + pattern(125), 0},
		{"with eight bytes of length", "", "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01a", 0},
		{"a ping behind", "", "\x81\x01a\x89\x00\x81\x01b", 1},
		{"a fragment behind", "", "\x81\x01a\x01\x01b\x80\x01c", 1},
		{"a reserved bit behind", "", "\x81\x01a\xc1\x01b", 1},
		{"half a header behind", "", "\x81\x01a\x81", 1},
		{"half a payload behind", "", "\x81\x01a\x81\x02b", 1},
		{"text that is no UTF-8", "", "\x81\x01a\x81\x03\xff\xfeb", 1},
		{"text that ends in a character", "", "\x81\x01a\x81\x02\xc3\xa9\x81\x01\xc3", 2},
		{"within a message", "\x01\x01a", "\x81\x01b", 0},
		{"within a frame", "\x81\x02a", "b", 0},
		{"behind a close", "\x88\x00", "\x81\x01a", 0},
	} {
		bothRoles(t, func(t *testing.T, role Role) {
			e := openedWith(t, role, limits)
			wire := from(role.peer(), tt.before+tt.in)
			e.recvRaw(wire[:len(wire)-len(from(role.peer(), tt.in))])
			in := []byte(wire[len(wire)-len(from(role.peer(), tt.in)):])
			came := bytes.Clone(in)
			var records [3]Record
			n, count := e.RecvRecords(e.at, in, 0, records[:])
			if count != tt.count || count == 0 && n != 0 {
				t.Errorf("%s: %d messages in %d bytes, want %d", tt.name, count, n, tt.count)
			}
			if !bytes.Equal(in[n:], came[n:]) {
				t.Errorf("%s: what was not taken became %q", tt.name, in[n:])
			}
		})
	}
}

// Frames with a mask are for servers, those without for clients.
func TestRecvRecordsMindsTheRole(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		if n, count := e.RecvRecords(0, []byte(from(role, "\x81\x01a")), 0, make([]Record, 1)); n != 0 || count != 0 {
			t.Errorf("%d messages in %d bytes of the wrong side", count, n)
		}
	})
}

func TestRecvRecordsStopsWhenRecordsAreFull(t *testing.T) {
	bothRoles(t, func(t *testing.T, role Role) {
		e := opened(t, role)
		in := []byte(from(role.peer(), strings.Repeat("\x82\x01a", 5)))
		if n, count := e.RecvRecords(0, in, 0, make([]Record, 2)); n != len(in)/5*2 || count != 2 {
			t.Errorf("%d messages in %d bytes", count, n)
		}
	})
}

func TestRecvRecordsWaitsForOutput(t *testing.T) {
	e := opened(t, Server)
	e.blocked = true
	e.recv("\x89\x00")
	in := []byte(masked("\x82\x01a"))
	if _, count := e.RecvRecords(0, in, 0, make([]Record, 1)); count != 0 {
		t.Error("a message was taken before the pong")
	}
	e.blocked = false
	e.drain()
	if _, count := e.RecvRecords(0, in, 0, make([]Record, 1)); count != 1 {
		t.Error("no message was taken behind the pong")
	}
}

// What stands in the middle of something else is no message, whatever it looks like.
func TestRecvRecordsWithin(t *testing.T) {
	whole := map[Role]string{Server: "\x82\x80\x00\x00\x00\x00", Client: "\x82\x00"}
	for name, before := range map[string]map[Role]string{
		"a header": {Server: "\x82", Client: "\x82"},
		"a ping":   {Server: "\x89\x86\x00\x00\x00\x00", Client: "\x89\x02"},
		"a pong":   {Server: "\x8a\x86\x00\x00\x00\x00", Client: "\x8a\x02"},
	} {
		bothRoles(t, func(t *testing.T, role Role) {
			e := opened(t, role)
			e.recvRaw(before[role])
			if n, count := e.RecvRecords(0, []byte(whole[role]), 0, make([]Record, 1)); n != 0 || count != 0 {
				t.Errorf("%d messages in %d bytes within %s", count, n, name)
			}
		})
	}
}

// A handshake that is not sent yet goes first too.
func TestRecvRecordsBehindTheHandshake(t *testing.T) {
	e := newTestServer(t, Config{})
	e.recvRaw(sampleGET + "\r\n")
	e.blocked = true
	e.accept(AcceptOptions{})
	in := []byte(masked("\x82\x01a"))
	if _, count := e.RecvRecords(0, in, 0, make([]Record, 1)); count != 0 {
		t.Error("a message was taken before the handshake was sent")
	}
	e.blocked = false
	e.drain()
	if _, count := e.RecvRecords(0, in, 0, make([]Record, 1)); count != 1 {
		t.Error("no message was taken behind the handshake")
	}
}

// memoryOf lays payloads into memory and makes records of them.
func memoryOf(payloads ...string) (memory []byte, records []Record) {
	for i, p := range payloads {
		op := frame.Text
		if i%2 == 1 {
			op = frame.Binary
		}
		records = append(records, Record{Op: op, Flags: recordWhole, Addr: recordBase + uint32(len(memory)), Len: uint32(len(p))})
		memory = append(memory, p...)
	}
	return memory, records
}

func TestAppendRecordsLikeAppendMessage(t *testing.T) {
	memory, records := memoryOf("", "a", pattern(125), pattern(126), "κόσμε", pattern(65535), "\u00e9")
	one, many := opened(t, Server), opened(t, Server)
	var want []byte
	for _, r := range records {
		var err error
		if want, err = one.AppendMessage(want, r.Op, memory[r.Addr-recordBase:][:r.Len]); err != nil {
			t.Fatal(err)
		}
	}
	got, count := many.AppendRecords(make([]byte, 0, len(want)+4), memory, recordBase, records)
	if count != len(records) || !bytes.Equal(got, want) || dumpOf(one.Conn) != dumpOf(many.Conn) {
		t.Errorf("%d of %d records, %d bytes, want %d\n%s%s", count, len(records), len(got), len(want), dumpOf(many.Conn), dumpOf(one.Conn))
	}
}

// Where AppendRecords stops it has changed nothing more.
func TestAppendRecordsStops(t *testing.T) {
	for name, spoilRecord := range map[string]func(r *Record){
		"a first fragment":           func(r *Record) { r.Flags = RecordFirst },
		"a last fragment":            func(r *Record) { r.Flags = RecordLast },
		"flags that there are not":   func(r *Record) { r.Flags |= 4 },
		"a ping":                     func(r *Record) { r.Op = frame.Ping },
		"a continuation":             func(r *Record) { r.Op = frame.Continuation },
		"an opcode that there isn't": func(r *Record) { r.Op = 3 },
		"behind the memory":          func(r *Record) { r.Addr++ },
		"before the memory":          func(r *Record) { r.Addr = recordBase - 1 },
		"longer than the memory":     func(r *Record) { r.Len = 1 << 31 },
		"longer than 16 bits":        func(r *Record) { r.Addr, r.Len = recordBase, 1<<16 },
		"no UTF-8":                   func(r *Record) { r.Op = frame.Text; r.Addr -= 2 },
	} {
		memory, records := memoryOf(pattern(1<<16-1), "b\xff", "c", "d")
		spoilRecord(&records[3])
		for good := range 4 {
			list := append(records[3-good:3:3], records[3], records[0])
			e := opened(t, Server)
			out, count := e.AppendRecords(make([]byte, 0, 1<<20), memory, recordBase, list)
			if count != good || e.unsent != int64(len(out)) {
				t.Errorf("%s: %d records before it, want %d; %d bytes of which %d are unsent", name, count, good, len(out), e.unsent)
			}
		}
	}
}

func TestAppendRecordsNeedsRoom(t *testing.T) {
	memory, records := memoryOf("a", "b", "c")
	for room := range 20 {
		e := opened(t, Server)
		out, count := e.AppendRecords(make([]byte, 0, room), memory, recordBase, records)
		if cap(out) != room || len(out) != 3*count || count < 3 && room-len(out) >= 5 {
			t.Errorf("%d records of 3 bytes in room for %d", count, room)
		}
	}
}

// What AppendMessage refuses or masks is left to it.
func TestAppendRecordsLeavesAlone(t *testing.T) {
	memory, records := memoryOf("a")
	ends := map[string]*end{"a client": opened(t, Client)}
	for name, disturb := range map[string]func(e *end){
		"within a message": func(e *end) { e.take(e.AppendFragment(nil, frame.Text, nil, false)) },
		"close sent":       func(e *end) { e.take(e.AppendClose(0, nil, frame.NormalClosure, "")) },
		"close came":       func(e *end) { e.recv("\x88\x00") },
		"failed":           func(e *end) { e.recv("\xf0\x00") },
		"lost":             func(e *end) { e.lost() },
	} {
		ends[name] = opened(t, Server)
		disturb(ends[name])
	}
	ends["handshake"] = newTestServer(t, Config{})
	for name, e := range ends {
		before := dumpOf(e.Conn)
		out, count := e.AppendRecords(make([]byte, 0, 100), memory, recordBase, records)
		if len(out) > 0 || count > 0 || dumpOf(e.Conn) != before {
			t.Errorf("%s: %d records became %q", name, count, out)
		}
	}
}

func TestRecordsAllocateNothing(t *testing.T) {
	e := opened(t, Server)
	wire := []byte(masked(strings.Repeat("\x81\x05Hello\x82\x7e\x04\x00"+pattern(1024), 8)))
	in, out := make([]byte, len(wire)), make([]byte, 0, 2*len(wire))
	var records [16]Record
	if allocs := testing.AllocsPerRun(100, func() {
		copy(in, wire)
		_, count := e.RecvRecords(1, in, 0, records[:])
		sent, n := e.AppendRecords(out, in, 0, records[:count])
		e.Wrote(1, len(sent))
		if count != len(records) || n != count {
			panic(fmt.Sprint(count, n))
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkRecords(b *testing.B) {
	for _, size := range []int{16, 128, 1 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := openedWith(b, Server, Config{}).Conn
			one := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Binary, Masked: true}, []byte(pattern(size)))
			in := bytes.Repeat(one, 16) // a mask of zeros: unmasking keeps it
			out := make([]byte, 0, 2*len(in))
			var records [16]Record
			b.SetBytes(int64(size))
			for i := 0; i < b.N; i += len(records) {
				if _, count := c.RecvRecords(1, in, 0, records[:]); count != len(records) {
					b.Fatal(count)
				}
				sent, _ := c.AppendRecords(out, in, 0, records[:])
				c.Wrote(1, len(sent))
			}
		})
	}
}
