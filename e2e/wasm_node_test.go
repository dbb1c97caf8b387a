//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// examples/wasm-node: the core as a WebAssembly module, driven by Node.

// wasmNode runs one of its programs.
func wasmNode(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return start(t, "node", append([]string{"../examples/wasm-node/" + name}, args...)...)
}

func TestWASMNodeLibrary(t *testing.T) {
	p := start(t, "node", "--test", "../examples/wasm-node/core.test.mjs", "../examples/wasm-node/socket.test.mjs")
	said := p.rest()
	if p.exit(0); t.Failed() {
		t.Log(strings.Join(said, "\n"))
	}
}

// wasmNodeServer starts the echo server. At the end of the test it must stop
// well, and must not have said anything on standard error.
func wasmNodeServer(t *testing.T, args ...string) server {
	t.Helper()
	p := wasmNode(t, "server.mjs", append([]string{"--port", "0"}, args...)...)
	s := server{p, p.listening("http"), "ws"}
	t.Cleanup(func() {
		s.stop()
		if said := s.stderr.String(); said != "" {
			t.Errorf("standard error: %q", said)
		}
	})
	return s
}

// visit connects package websockets to a server.
func (s server) visit() library {
	s.t.Helper()
	c, err := websockets.Dial(library{t: s.t}.context(), s.url("/any/path?with=query"), websockets.Strict())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.CloseNow() })
	return library{s.t, c}
}

func TestWASMNodeEchoesForeignClients(t *testing.T) {
	s := wasmNodeServer(t)
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			c := i.connect(t, s.url("/"))
			echoes(t, c)
			if i.pings {
				data := payload("binary", 125)
				c.send("ping", data)
				want(t, c, event{Kind: "pong", Data: data})
			}
			c.close(4001, "tschüß")
			wantClose(t, c, 4001)
		})
	}
}

func TestWASMNodeEchoesTheLibrary(t *testing.T) {
	s := wasmNodeServer(t)
	c := s.visit()
	echoes(t, c)
	for _, kind := range []string{"text", "binary"} {
		data := payload(kind, 1<<20) // the limit
		c.send(kind, data)
		want(t, c, event{Kind: kind, Data: data})
	}
	c.send("ping", nil)

	w, err := c.conn.Writer(c.context(), websockets.Text)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"frag\xe2", "\x82", "", "\xacments"} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, c, event{Kind: "text", Data: []byte("frag€ments")})

	c.close(4002, "bye")
	if e := c.ended(c.conn.Err()); e.Code != 4002 {
		t.Errorf("ended with %v", e)
	}
}

func TestWASMNodeViolations(t *testing.T) {
	s := wasmNodeServer(t)
	for _, v := range violations {
		t.Run(v.name, func(t *testing.T) {
			w := dial(t, s.host, "/")
			w.write(v.wire)
			w.wantCloseBehind(v.code, opBinary, opContinuation) // fragments come back before a message is complete
		})
	}
	dial(t, s.host, "/").echo("still serving")
}

// wantCloseBehind reads frames of some kinds, a close frame, and the end.
func (w *wire) wantCloseBehind(code int, ops ...byte) {
	w.t.Helper()
	for {
		f := w.frame()
		if f.op == opClose {
			w.wantCode(f, code)
			break
		}
		if !bytes.Contains(ops, []byte{f.op}) {
			w.t.Fatalf("got opcode %#x with %.40q, want a close", f.op, f.payload)
		}
	}
	if _, err := w.r.ReadByte(); err != io.EOF {
		w.t.Errorf("after the close: %v, want the end of the connection", err)
	}
}

func TestWASMNodeHandshakes(t *testing.T) {
	s := wasmNodeServer(t)
	get := "GET / HTTP/1.1"
	for _, h := range []struct {
		name   string
		line   string
		change map[string]string
		status int
	}{
		{"same origin", get, map[string]string{"Origin": "http://" + s.host}, 101},
		{"another origin", get, map[string]string{"Origin": "https://evil.example"}, 403},
		{"two origins", get, map[string]string{"Origin": "https://evil.example\r\nOrigin: http://" + s.host}, 400},
		{"origin null", get, map[string]string{"Origin": "null"}, 403},
		{"no key", get, map[string]string{"Sec-WebSocket-Key": ""}, 400},
		{"no host", get, map[string]string{"Host": ""}, 400},
		{"a visitor", get, map[string]string{"Upgrade": "", "Connection": "close"}, 426},
		{"version 8", get, map[string]string{"Sec-WebSocket-Version": "8"}, 426},
		{"a head of 64 KiB", get, map[string]string{"X-Much": strings.Repeat("x", 64<<10)}, 431},
		{"POST", "POST / HTTP/1.1", map[string]string{"Content-Length": "0"}, 405},
	} {
		t.Run(h.name, func(t *testing.T) {
			w, resp := ask(t, s.host, h.line, h.change)
			if resp.StatusCode != h.status {
				t.Fatalf("%s, want %d", resp.Status, h.status)
			}
			if h.status == 101 {
				w.echo("hello")
				return
			}
			w.neverUpgraded(resp.Body)
		})
	}
}

// What arrives in one piece is one batch: a request with frames behind it, and
// messages with a close behind them.
func TestWASMNodeEchoesWhatCameAtOnce(t *testing.T) {
	s := wasmNodeServer(t)
	w := socket(t, s.host)
	var b bytes.Buffer
	b.WriteString("GET / HTTP/1.1\r\n")
	for name, value := range opening(s.host) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	const many = 200 // several batches
	for n := range many {
		b.Write(text(fmt.Sprint(n)))
		if n%3 == 0 {
			b.Write(frame{op: opPing, payload: fmt.Append(nil, n)}.masked())
		}
	}
	b.Write(closing(1000, "done"))
	w.write(b.Bytes())
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = w.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	for n, pongs := 0, 0; n < many; {
		switch f := w.frame(); {
		case f.op == opText && string(f.payload) == fmt.Sprint(n):
			n++
		case f.op == opPong && string(f.payload) == fmt.Sprint(pongs):
			pongs += 3
		default:
			t.Fatalf("got opcode %#x with %q, want the text %d or the pong %d", f.op, f.payload, n, pongs)
		}
	}
	w.wantClose(1000)
}

func TestWASMNodeCutsSilentPeers(t *testing.T) {
	s := wasmNodeServer(t, "--connection-timeout", "1")
	w := dial(t, s.host, "/")
	w.echo("hello")
	w.wantCloseBehind(1001, opPing)
}

// A client that does not read is held back, and loses nothing when it does.
func TestWASMNodeHoldsBack(t *testing.T) {
	s := wasmNodeServer(t)
	w := dial(t, s.host, "/")
	message := payload("binary", 64<<10)
	wire := frame{op: opBinary, payload: message}.masked()
	before, sent := s.memory(), 0
	for ; ; sent += len(wire) {
		_ = w.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := w.Write(wire)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			sent += n
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if sent > 256<<20 {
			t.Fatal("the server takes everything")
		}
	}
	if grown := s.memory() - before; grown > 64<<20 {
		t.Errorf("the server's memory grew by %d MiB", grown>>20)
	}
	_ = w.SetWriteDeadline(time.Time{})
	rest := append(wire[sent%len(wire):], closing(1000, "")...)
	wrote := make(chan error, 1)
	go func() {
		_, err := w.Write(rest)
		wrote <- err
	}()
	var back []byte
	for len(back) < (sent/len(wire)+1)*len(message) {
		back = append(back, w.frame().payload...)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	for ; len(back) > 0; back = back[len(message):] {
		if !bytes.HasPrefix(back, message) {
			t.Fatal("a message came back changed")
		}
	}
	w.wantClose(1000)
}

func TestWASMNodeServesManyAtOnce(t *testing.T) {
	s := wasmNodeServer(t)
	before := s.descriptors()
	const many = 200
	var clients [many]library
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			c, err := websockets.Dial(library{t: t}.context(), s.url("/"), websockets.Strict())
			if err != nil {
				t.Error(err)
				return
			}
			clients[n] = library{t, c}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for n, c := range clients {
		c.send("text", fmt.Append(nil, n))
	}
	for n, c := range clients {
		want(t, c, event{Kind: "text", Data: fmt.Append(nil, n)})
	}
	for n, c := range clients {
		if n%2 == 0 {
			c.conn.CloseNow()
		} else {
			c.close(1000, "")
		}
	}
	eventually(t, "the server has let go of every connection", func() bool { return s.descriptors() <= before })
}

func TestWASMNodeBearsNoise(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := wasmNodeServer(t)
	before := s.descriptors()
	for n := range 100 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		w := dial(t, s.host, "/")
		said := make(chan error, 1)
		go func() { said <- sensible(w.r) }()
		if _, err := w.Write(scramble(r)); err != nil && !gone(err) {
			t.Fatalf("connection %d: %v", n, err)
		}
		_ = w.Conn.(*net.TCPConn).CloseWrite()
		if err := <-said; err != nil {
			t.Fatalf("connection %d: %v", n, err)
		}
		w.Close()
	}
	dial(t, s.host, "/").echo("still serving")
	eventually(t, "the server has let go of every connection", func() bool { return s.descriptors() <= before+1 })
}

func TestWASMNodeSaysGoingAway(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			s := wasmNodeServer(t)
			open, foreign := s.visit(), npmWS.connect(t, s.url("/"))
			socket(t, s.host) // has not asked for anything yet
			open.send("text", []byte("hello"))
			want(t, open, event{Kind: "text", Data: []byte("hello")})
			start := time.Now()
			s.signal(sig)
			wantClose(t, open, 1001)
			wantClose(t, foreign, 1001)
			s.exit(0)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("ended after %v", took)
			}
		})
	}
}

func TestWASMNodeClient(t *testing.T) {
	s := serve(t)
	long := string(payload("text", 300<<10)) // goes in fragments
	t.Run("a message", func(t *testing.T) {
		for _, message := range []string{"hello", "grüße", ""} {
			p := wasmNode(t, "client.mjs", s.url("/echo"), message)
			if lines := p.rest(); len(lines) != 1 || lines[0] != message {
				t.Errorf("printed %q, want %q", lines, message)
			}
			p.exit(0)
			if said := p.stderr.String(); said != "" {
				t.Errorf("standard error: %q", said)
			}
		}
	})
	t.Run("lines", func(t *testing.T) {
		p := wasmNode(t, "client.mjs", s.url("/echo"))
		sent := []string{"hello", "", long}
		for n := range 1000 { // more than the entropy that there is at once
			sent = append(sent, fmt.Sprint("line ", n))
		}
		go func() {
			for _, line := range sent {
				_, _ = io.WriteString(p.stdin, line+"\n")
			}
			p.stdin.Close()
		}()
		if lines := p.rest(); strings.Join(lines, "\n") != strings.Join(sent, "\n") {
			t.Errorf("printed %d lines of %d, or not the same", len(lines), len(sent))
		}
		p.exit(0)
	})
}

func TestWASMNodeClientIsToldWhy(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	closes := serveSocket(t, func(w *wire, req *http.Request) {
		w.accept(req)
		w.part(1013)
	})
	masks := serveSocket(t, func(w *wire, req *http.Request) {
		w.accept(req)
		w.write(text("a server's frame must not be masked"))
		w.wantCode(w.frame(), 1002)
	})
	for _, test := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"no such path", []string{serve(t).url("/nowhere")}, 1, "404 Not Found"},
		{"nobody listens", []string{"ws://" + refused.Addr().String()}, 1, "ECONNREFUSED"},
		{"the server closes", []string{"ws://" + closes}, 1, "the server closed with 1013"},
		{"the server breaks the protocol", []string{"ws://" + masks}, 1, "server frame is masked"},
		{"no URL", nil, 2, "usage: node client.mjs ws://HOST:PORT/ [MESSAGE]"},
		{"not ws", []string{"http://127.0.0.1"}, 2, "http://127.0.0.1 is not a ws URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := wasmNode(t, "client.mjs", test.args...)
			if lines := p.rest(); len(lines) > 0 {
				t.Errorf("printed %q", lines)
			}
			p.exit(test.status)
			if said := p.stderr.String(); !strings.Contains(said, test.says) || strings.Count(said, "\n") != 1 {
				t.Errorf("standard error %q, want one line with %q", said, test.says)
			}
		})
	}
}

func TestWASMNodeServerMisused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, test := range []struct {
		args   string
		status int
		says   string
	}{
		{"--port 65536", 2, "server: --port 65536 is not a number from 0 to 65535\n"},
		{"--connection-timeout 1h", 2, "server: --connection-timeout 1h is not a number from 0 to 86400\n"},
		{"--no-such-flag", 2, "--no-such-flag"},
		{"extra", 2, "extra"},
		{"--port " + port, 1, "address already in use"},
	} {
		t.Run(test.args, func(t *testing.T) {
			p := wasmNode(t, "server.mjs", strings.Fields(test.args)...)
			if lines := p.rest(); len(lines) > 0 {
				t.Errorf("printed %q", lines)
			}
			p.exit(test.status)
			if said := p.stderr.String(); !strings.Contains(said, test.says) || strings.Count(said, "\n") != 1 {
				t.Errorf("standard error %q, want one line with %q", said, test.says)
			}
		})
	}
}
