//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a client may never do: RFC 6455 section by section, in bytes. The server
// closes with the code as soon as the last byte has arrived, and waits for none
// of those that the frame still promises.
var violations = []struct {
	name string
	wire []byte
	code int
}{
	{"5.1 a frame without a mask", frame{op: opText, payload: []byte("hi")}.unmasked(), 1002},
	{"5.2 RSV1", frame{op: 0x40 | opText}.masked(), 1002},
	{"5.2 RSV2", frame{op: 0x20 | opText}.masked(), 1002},
	{"5.2 RSV3 on a ping", frame{op: 0x10 | opPing}.masked(), 1002},
	{"5.2 reserved data opcode", frame{op: 0x3}.masked(), 1002},
	{"5.2 reserved control opcode", frame{op: 0xB}.masked(), 1002},
	{"5.2 16 bits for a length of 125", []byte{0x82, 0x80 | 126, 0, 125, 1, 2, 3, 4}, 1002},
	{"5.2 64 bits for a length of 65535", declares(65535), 1002},
	{"5.2 top bit of a 64-bit length", declares(1 << 63), 1002},
	{"5.2 a length of 2^63-1", declares(1<<63 - 1), 1009},
	{"5.2 a length of 1 GiB", declares(1 << 30), 1009},
	{"5.2 a length of 1 MiB and a byte", declares(1<<20 + 1), 1009},
	{"5.4 continuation of nothing", frame{op: opContinuation}.masked(), 1002},
	{"5.4 a message inside a message", bytes.Join([][]byte{
		frame{op: opText, more: true}.masked(), frame{op: opText}.masked()}, nil), 1002},
	{"5.4 fragments beyond 1 MiB", bytes.Join([][]byte{
		frame{op: opBinary, more: true, payload: make([]byte, 1<<20)}.masked(), {0x80, 0x80 | 1, 1, 2, 3, 4}}, nil), 1009},
	{"5.5 control frame of 126 bytes", []byte{0x89, 0x80 | 126, 0, 126, 1, 2, 3, 4}, 1002},
	{"5.5 control frame in fragments", frame{op: opPing, more: true}.masked(), 1002},
	{"5.5.1 close of 1 byte", frame{op: opClose, payload: []byte{3}}.masked(), 1002},
	{"7.4.1 close 999", closing(999, ""), 1002},
	{"7.4.1 close 1004", closing(1004, ""), 1002},
	{"7.4.1 close 1005", closing(1005, ""), 1002},
	{"7.4.1 close 1006", closing(1006, ""), 1002},
	{"7.4.1 close 1015", closing(1015, ""), 1002},
	{"7.4.2 close 2999", closing(2999, ""), 1002},
	{"7.4.2 close 5000", closing(5000, ""), 1002},
	{"8.1 a stray continuation byte", text("\x80"), 1007},
	{"8.1 a surrogate", text("\xed\xa0\x80"), 1007},
	{"8.1 an overlong form", text("\xc0\xaf"), 1007},
	{"8.1 beyond U+10FFFF", text("\xf4\x90\x80\x80"), 1007},
	{"8.1 an unfinished character", text("\xe2\x82"), 1007},
	{"8.1 impossible inside a frame of which more is to come",
		frame{op: opText, payload: append([]byte("\xff"), make([]byte, 99)...)}.masked()[:2+4+1], 1007},
	{"8.1 a close reason", closing(1000, "\xff"), 1007},
}

// declares is the header of a frame of n bytes, with the length in 64 bits.
func declares(n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, n), 1, 2, 3, 4)
}

func TestViolations(t *testing.T) { testViolations(t, serve(t)) }

func testViolations(t *testing.T, s server) {
	dial(t, s.host, "/echo").echo("warm")
	before := s.memory()
	for _, v := range violations {
		t.Run(v.name, func(t *testing.T) {
			w := dial(t, s.host, "/echo")
			start := time.Now()
			w.write(v.wire)
			w.wantClose(v.code)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("closed after %v", took)
			}
		})
	}
	if grown := s.memory() - before; grown > 64<<20 {
		t.Errorf("the server's memory grew by %d MiB", grown>>20)
	}
}

// memory returns the resident memory of a server in bytes.
func (s server) memory() int {
	s.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		s.t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// A client that is in the middle of writing 4 MiB, and reads only then, still
// gets to read why the server closed.
func TestCloseReachesClientThatWrites(t *testing.T) { testCloseReaches(t, serve(t)) }

func testCloseReaches(t *testing.T, s server) {
	reserved := declares(4 << 20)
	reserved[0] |= 0x40
	for _, v := range []struct {
		name  string
		start []byte
		code  int
	}{
		{"a frame that is too large", declares(4 << 20), 1009},
		{"a reserved bit", reserved, 1002},
	} {
		t.Run(v.name, func(t *testing.T) {
			for range 20 {
				w := dial(t, s.host, "/echo")
				w.write(v.start)
				for range 64 {
					w.write(make([]byte, 64<<10))
				}
				w.wantClose(v.code)
				w.Close()
			}
		})
	}
}

func TestHandshakes(t *testing.T) { testHandshakes(t, serve(t)) }

func testHandshakes(t *testing.T, s server) {
	get := "GET /echo HTTP/1.1"
	for _, h := range []struct {
		name   string
		line   string
		change map[string]string
		status int
		header map[string]string
	}{
		{"good", get, nil, 101, map[string]string{
			"Sec-WebSocket-Accept": sampleAccept, "Upgrade": "websocket", "Connection": "Upgrade",
			"Sec-WebSocket-Extensions": ""}},
		{"same origin", get, map[string]string{"Origin": "http://" + s.host}, 101, nil},
		{"other case and other tokens", get, map[string]string{
			"Upgrade": "WebSocket", "Connection": "keep-alive, UPGRADE"}, 101, nil},
		{"an extension that nobody knows", get, map[string]string{
			"Sec-WebSocket-Extensions": "x-unheard-of; a=1"}, 101, map[string]string{"Sec-WebSocket-Extensions": ""}},
		{"version 8", get, map[string]string{"Sec-WebSocket-Version": "8"}, 426,
			map[string]string{"Sec-WebSocket-Version": "13"}},
		{"another origin", get, map[string]string{"Origin": "https://evil.example"}, 403, nil},
		{"the same host on another port", get, map[string]string{"Origin": "http://127.0.0.1:1"}, 403, nil},
		{"origin null", get, map[string]string{"Origin": "null"}, 403, nil},
		{"no key", get, map[string]string{"Sec-WebSocket-Key": ""}, 400, nil},
		{"key of 15 bytes", get, map[string]string{"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"}, 400, nil},
		{"two keys", get, map[string]string{
			"Sec-WebSocket-Key": sampleKey + "\r\nSec-WebSocket-Key: " + sampleKey}, 400, nil},
		{"a body", get, map[string]string{"Content-Length": "11"}, 400, nil},
		{"a chunked body", get, map[string]string{"Transfer-Encoding": "chunked"}, 400, nil},
		{"a head of 64 KiB", get, map[string]string{"X-Much": strings.Repeat("x", 64<<10)}, 431, nil},
		{"POST", "POST /echo HTTP/1.1", map[string]string{"Content-Length": "0"}, 405, nil},
	} {
		t.Run(h.name, func(t *testing.T) {
			w, resp := ask(t, s.host, h.line, h.change)
			if resp.StatusCode != h.status {
				t.Fatalf("%s, want %d", resp.Status, h.status)
			}
			for name, value := range h.header {
				if got := resp.Header.Get(name); !strings.EqualFold(got, value) {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if h.status != 101 {
				w.neverUpgraded(resp.Body)
				return
			}
			w.echo("hello")
		})
	}
}

// neverUpgraded checks that a connection whose handshake was refused takes no
// frames: the server answers none.
func (w *wire) neverUpgraded(body io.Reader) {
	w.t.Helper()
	_, _ = w.Write(text("hello"))
	_ = w.Conn.(*net.TCPConn).CloseWrite()
	rest, _ := io.ReadAll(body)
	more, _ := io.ReadAll(w.r)
	if echo := (frame{op: opText, payload: []byte("hello")}).unmasked(); bytes.Contains(append(rest, more...), echo) {
		w.t.Error("the server echoed a frame on a connection that it had refused")
	}
}

// A client that never ends its request is cut.
func TestSlowHandshake(t *testing.T) {
	t.Parallel()
	testSlowHandshake(t, serve(t))
}

func testSlowHandshake(t *testing.T, s server) {
	w := socket(t, s.host)
	w.write([]byte("GET /echo HTTP/1.1\r\nHost:"))
	start := time.Now()
	_, _ = io.ReadAll(w.r)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("cut after %v, want about 10 s", took)
	}
}

// Frames that arrive together with the handshake are not lost.
func TestFramesWithHandshake(t *testing.T) { testFramesWithHandshake(t, serve(t)) }

func testFramesWithHandshake(t *testing.T, s server) {
	w := socket(t, s.host)
	var b strings.Builder
	b.WriteString("GET /echo HTTP/1.1\r\n")
	for name, value := range opening(s.host) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	w.write(append([]byte(b.String()), text("early")...))
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = w.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if f := w.frame(); f.op != opText || string(f.payload) != "early" {
		t.Fatalf("got opcode %#x with %q", f.op, f.payload)
	}
	w.echo("later")
}

// TestNoise sends bytes that make little or no sense, and checks that what the
// server says stays sensible and that it goes on serving. To repeat a run, set
// E2E_SEED to the seed that it printed.
func TestNoise(t *testing.T) { testNoise(t, serve(t, "--close-timeout", "1s")) }

func testNoise(t *testing.T, s server) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("E2E_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("E2E_SEED=%d", seed)
	paths := []string{"/echo", "/chat"}
	for n := range 300 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		w := dial(t, s.host, paths[n%len(paths)])
		noise := scramble(r)
		said := make(chan error, 1)
		go func() { said <- sensible(w.r) }()
		if _, err := w.Write(noise); err != nil && !gone(err) {
			t.Fatalf("connection %d: %v", n, err)
		}
		_ = w.Conn.(*net.TCPConn).CloseWrite()
		if err := <-said; err != nil {
			t.Fatalf("connection %d, after %d bytes: %v", n, len(noise), err)
		}
		w.Close()
		fresh := dial(t, s.host, "/echo")
		fresh.echo("still serving")
		fresh.Close()
	}
	eventually(t, "the server has let go of every connection", func() bool { return s.descriptors() < 20 })
	s.stop()
}

// scramble makes pure noise, or good frames with some bytes changed, lost or
// doubled.
func scramble(r *rand.Rand) []byte {
	if r.IntN(4) == 0 {
		return random(r, 1+r.IntN(2000))
	}
	var wire []byte
	ops := []byte{opContinuation, opText, opBinary, opPing, opPong, opClose}
	for range 1 + r.IntN(8) {
		n := r.IntN(126)
		if r.IntN(8) == 0 {
			n = r.IntN(70000)
		}
		f := frame{op: ops[r.IntN(len(ops))], more: r.IntN(4) == 0, payload: random(r, n)}
		if f.op == opText && r.IntN(2) == 0 {
			f.payload = payload("text", n)
		}
		wire = append(wire, f.masked()...)
	}
	for range r.IntN(4) {
		i := r.IntN(len(wire))
		switch r.IntN(3) {
		case 0:
			wire[i] ^= 1 << r.IntN(8)
		case 1:
			wire = append(wire[:i], wire[min(i+1+r.IntN(8), len(wire)):]...)
		case 2:
			wire = bytes.Join([][]byte{wire[:i], random(r, 1+r.IntN(8)), wire[i:]}, nil)
		}
		if len(wire) == 0 {
			break
		}
	}
	return wire
}

func random(r *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// sensible reads what a server says up to the end and checks it against RFC
// 6455: good frames without a mask, nothing after a close, codes that it may use.
func sensible(r io.Reader) error {
	inside, closed := false, false
	for {
		f, masked, err := readFrame(r)
		switch {
		case err == io.EOF || gone(err):
			return nil
		case err != nil:
			return err
		case masked:
			return errors.New("the server masked a frame")
		case closed:
			return fmt.Errorf("opcode %#x after the close", f.op)
		case f.op == opClose:
			closed = true
			if !mayClose(f) {
				return fmt.Errorf("close with %q", f.payload)
			}
		case f.op == opPing || f.op == opPong:
			if f.more || len(f.payload) > 125 {
				return fmt.Errorf("control frame %#x of %d bytes, more: %v", f.op, len(f.payload), f.more)
			}
		case f.op == opContinuation && inside, (f.op == opText || f.op == opBinary) && !inside:
			inside = f.more
		default:
			return fmt.Errorf("opcode %#x, inside a message: %v", f.op, inside)
		}
	}
}

// mayClose reports whether a close frame is one that RFC 6455 section 7.4 and
// the registry of codes allow on the wire.
func mayClose(f frame) bool {
	code := f.closeCode()
	switch {
	case f.more || len(f.payload) == 1 || len(f.payload) > 125:
		return false
	case len(f.payload) == 0:
		return true
	case code < 1000 || code >= 5000:
		return false
	case code < 3000:
		return code <= 1014 && (code < 1004 || code > 1006)
	default:
		return true
	}
}

// gone reports whether an error says that the other side has reset the
// connection, as it may after noise.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// descriptors returns how many files and sockets a server has open.
func (s server) descriptors() int {
	s.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(entries)
}
