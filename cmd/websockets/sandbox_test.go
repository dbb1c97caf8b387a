package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/wasm"
)

// knock is the handshake of a client.
const knock = "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// hello is a frame that says so, and helloBack its echo.
const (
	hello     = "\x81\x85\x00\x00\x00\x00hello"
	helloBack = "\x81\x05hello"
)

// A plainConn is a connection of which nobody takes care.
type plainConn struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func plainly(t *testing.T, conn net.Conn, err error) *plainConn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &plainConn{t, conn, bufio.NewReader(conn)}
}

func (s server) connect(t *testing.T) *plainConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.host)
	return plainly(t, conn, err)
}

func (c *plainConn) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *plainConn) wantStatus(status int) *http.Response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != status {
		c.t.Fatalf("got %s, want %d", resp.Status, status)
	}
	return resp
}

func (c *plainConn) wants(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != text {
		c.t.Fatalf("got %q, %v, want %q", got, err, text)
	}
}

func (c *plainConn) wantEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Errorf("got %q, %v, want the end", rest, err)
	}
}

// However its bytes come, a handshake is read, and so is what comes behind it.
func TestServeReadsHandshakes(t *testing.T) {
	onBothCores(t, func(t *testing.T, core string) {
		s := serve(t, "--core", core)
		for _, c := range []struct {
			name  string
			parts []string
		}{
			{"byte by byte", append(strings.Split(knock, ""), hello)},
			{"with a frame behind", []string{knock + hello}},
			{"with a part of a frame behind", []string{knock + hello[:3], hello[3:]}},
			{"with much behind", []string{knock + strings.Repeat(hello, 1000)}},
			{"with escapes in its path", []string{strings.Replace(knock, "echo", "%65cho?a=b", 1), hello}},
			{"with a whole URL", []string{strings.Replace(knock, "/echo", "http://a/echo", 1), hello}},
		} {
			t.Run(c.name, func(t *testing.T) {
				conn := s.connect(t)
				for _, part := range c.parts {
					conn.say(part)
				}
				conn.wantStatus(101)
				conn.wants(strings.Repeat(helloBack, max(1, strings.Count(strings.Join(c.parts, ""), hello))))
			})
		}
	})
}

func TestServeRefusesHandshakes(t *testing.T) {
	onBothCores(t, func(t *testing.T, core string) {
		s := serve(t, "--core", core)
		for _, c := range []struct {
			name, head string
			status     int
		}{
			{"elsewhere", strings.Replace(knock, "/echo", "/nowhere", 1), 404},
			{"another version", strings.Replace(knock, "13", "8", 1), 426},
			{"no key", strings.Replace(knock, "Key", "Kay", 1), 400},
			{"a body", strings.Replace(knock, "Host", "Content-Length: 1\r\nHost", 1), 400},
			{"HTTP/1.0", strings.Replace(knock, "HTTP/1.1", "HTTP/1.0", 1), 505},
			{"POST", strings.Replace(knock, "GET", "POST", 1), 405},
			{"a path that is to be cleaned", strings.Replace(knock, "/echo", "//echo", 1), 307},
			{"a bad escape", strings.Replace(knock, "echo", "%zz", 1), 400},
			{"garbage", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400},
			{"a long head", strings.Replace(knock, "Host", "X: "+strings.Repeat("x", 40<<10)+"\r\nHost", 1), 431},
			{"many lines", strings.Replace(knock, "Host", strings.Repeat("X: x\r\n", 129)+"Host", 1), 431},
		} {
			t.Run(c.name, func(t *testing.T) {
				conn := s.connect(t)
				conn.say(c.head)
				conn.wantStatus(c.status)
			})
		}
	})
}

// What net/http would take for a WebSocket, and the core does not, is not one when the
// core is to keep it out.
func TestSandboxIsStricter(t *testing.T) {
	s := serve(t, "--core", "wasm")
	for _, c := range []struct {
		name, head string
		status     int
	}{
		{"lines without CR", strings.ReplaceAll(knock, "\r", ""), 400},
		{"a head of 33 KiB", strings.Replace(knock, "Host", "X: "+strings.Repeat("x", 33<<10)+"\r\nHost", 1), 431},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.connect(t)
			conn.say(c.head + hello)
			resp := conn.wantStatus(c.status)
			io.Copy(io.Discard, resp.Body)
			conn.wantEnd()
		})
	}
}

// A WebSocket behind another request would not have been looked at.
func TestSandboxServesOnePlainRequest(t *testing.T) {
	s := serve(t, "--core", "wasm")
	conn := s.connect(t)
	conn.say("GET /none HTTP/1.1\r\nHost: a\r\n\r\n" + knock)
	resp := conn.wantStatus(404)
	io.Copy(io.Discard, resp.Body)
	if !resp.Close {
		t.Error("the connection is to go on")
	}
	if rest, _ := io.ReadAll(conn.r); len(rest) > 0 {
		t.Errorf("the second request got %q", rest)
	}
}

// Should the HTTP server take for a WebSocket what the sandbox has not, it still opens
// none.
func TestSandboxLeavesNoUpgrade(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, inspect := range []bool{true, false} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p := newPlayground(&websockets.Options{Logger: log}, inspect, log)
		clear(p.streams)
		web := &http.Server{Handler: p}
		s, err := newSandboxListener(l, sandboxOf(t), p, web, log)
		if err != nil {
			t.Fatal(err)
		}
		go web.Serve(s)
		conn, err := net.Dial("tcp", l.Addr().String())
		c := plainly(t, conn, err)
		c.say(knock)
		c.wantStatus(500)
		web.Close()
	}
}

// The cores of connections are in the sandbox, for as long as they are open.
func TestServeUsesTheSandbox(t *testing.T) {
	var host *wasm.Host
	hostsBy(t, func(ctx context.Context, o *wasm.Options) (h *wasm.Host, err error) {
		host, err = wasm.NewHost(ctx, o)
		return host, err
	})
	for _, flag := range []string{"--inspect", "--no-inspect"} {
		s := serve(t, "--core", "wasm", flag)
		for n := range 3 {
			c := dial(t, s.url("/echo"), websockets.Strict())
			send(t, c, "hello")
			wantMessage(t, c, "hello")
			if got := host.Stats().Connections; got != n+1 {
				t.Errorf("%d connections in the sandbox, want %d", got, n+1)
			}
			if peer := "peer=" + c.LocalAddr().String(); !strings.Contains(s.stderr.String(), peer) {
				t.Errorf("the log does not say %s:\n%s", peer, s.stderr)
			}
		}
		s.interrupt()
		s.exits(statusOK)
		if got := host.Stats().Connections; got != 0 {
			t.Errorf("%d connections are left in the sandbox", got)
		}
	}
}

func TestServeManyAtOnce(t *testing.T) {
	onBothCores(t, func(t *testing.T, core string) {
		s := serve(t, "--core", core)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 5 {
					talk(t, s)
				}
			})
		}
		wg.Wait()
	})
}

// talk has one connection echo and end.
func talk(t *testing.T, s server) {
	c, err := websockets.Dial(t.Context(), s.url("/echo"), websockets.Strict())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.CloseNow()
	if err := c.Send(t.Context(), websockets.Text, []byte("hello")); err != nil {
		t.Error(err)
	}
	if _, p, err := c.Receive(t.Context()); err != nil || string(p) != "hello" {
		t.Errorf("got %q, %v", p, err)
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// An interrupt does not wait for those who have not said what they want, however
// long they may take for it.
func TestServeDoesNotWaitForHeads(t *testing.T) {
	s := serve(t, "--core", "wasm", "--handshake-timeout", "0")
	open := dial(t, s.url("/echo"), websockets.Strict())
	silent, slow := s.connect(t), s.connect(t)
	slow.say(knock[:30])
	s.interrupt()
	if _, _, err := open.Receive(t.Context()); websockets.CloseStatus(err) != websockets.GoingAway {
		t.Errorf("got %v, want a close with 1001", err)
	}
	s.exits(statusOK)
	for _, conn := range []*plainConn{silent, slow} {
		if n, err := conn.r.Read(make([]byte, 1)); err == nil {
			t.Errorf("got %d bytes, want the end", n)
		}
	}
}

func TestServeWithoutRoom(t *testing.T) {
	hostsBy(t, func(ctx context.Context, o *wasm.Options) (*wasm.Host, error) {
		o.Instances, o.Connections = 1, 1
		return wasm.NewHost(ctx, o)
	})
	s := serve(t, "--core", "wasm")
	first := dial(t, s.url("/echo"), websockets.Strict())
	second := s.connect(t)
	second.wantEnd()
	s.complains("the sandbox cannot look at a connection")
	s.complains("there is no room for another connection")
	send(t, first, "still here")
	wantMessage(t, first, "still here")
}

func TestServeWithABrokenSandbox(t *testing.T) {
	hostsBy(t, brokenHost)
	s := serve(t, "--core", "wasm")
	s.connect(t).wantEnd()
	s.complains("the host is closed")
	s.interrupt()
	s.exits(statusOK)
}

func TestServeTLS(t *testing.T) {
	certFile, keyFile, trusting := certificate(t)
	onBothCores(t, func(t *testing.T, core string) {
		p := start(t, "serve", "--addr", "127.0.0.1:0", "--core", core, "--tls-cert", certFile, "--tls-key", keyFile)
		host, ok := strings.CutPrefix(p.line(), "listening on https://")
		if !ok {
			t.Fatal("it does not say where it listens")
		}
		for origin, accepted := range map[string]bool{"": true, "https://" + host: true, "http://" + host: false, "https://other.example": false} {
			o := websockets.Strict()
			o.TLSConfig = trusting
			if origin != "" {
				o.Header = http.Header{"Origin": {origin}}
			}
			c, err := websockets.Dial(t.Context(), "wss://"+host+"/echo", o)
			if !accepted {
				if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != 403 {
					t.Errorf("from %q: %v, want 403", origin, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("from %q: %v", origin, err)
			}
			send(t, c, "hello")
			wantMessage(t, c, "hello")
			if err := c.Close(websockets.NormalClosure, ""); err != nil {
				t.Error(err)
			}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting, DisableKeepAlives: true}}
		resp, err := client.Get("https://" + host + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "<html") {
			t.Errorf("the page: %d bytes, %v", len(body), err)
		}
		plain := server{p, host}.connect(t)
		plain.say(knock)
		if rest, _ := io.ReadAll(plain.r); strings.Contains(string(rest), " 101 ") {
			t.Error("a WebSocket was opened without TLS")
		}
	})
}

// certificate writes a certificate for 127.0.0.1 and its key to files, and returns what
// trusts it.
func certificate(t *testing.T) (certFile, keyFile string, trusting *tls.Config) {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(certified.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile = fileOf(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})))
	keyFile = fileOf(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return certFile, keyFile, &tls.Config{RootCAs: roots}
}

// A tellingListener hands out what it is given: connections, and errors.
type tellingListener struct {
	next   chan any
	closed chan struct{}
}

func newTellingListener() *tellingListener {
	return &tellingListener{make(chan any), make(chan struct{})}
}

func (l *tellingListener) Accept() (net.Conn, error) {
	select {
	case x := <-l.next:
		if err, ok := x.(error); ok {
			return nil, err
		}
		return x.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *tellingListener) Close() error   { close(l.closed); return nil }
func (l *tellingListener) Addr() net.Addr { return &net.TCPAddr{} }

// sandboxed looks at connections in memory, whose time is that of a bubble.
func sandboxed(t *testing.T, h *wasm.Host, timeout time.Duration) (l *tellingListener, s *sandboxListener, log *transcript) {
	t.Helper()
	l, log = newTellingListener(), &transcript{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	o := websockets.Strict()
	o.Machine = h.Machine
	p := newPlayground(o, false, logger)
	s, err := newSandboxListener(l, h, p, &http.Server{Handler: p, ReadHeaderTimeout: timeout}, logger)
	if err != nil {
		t.Fatal(err)
	}
	return l, s, log
}

// A head that never comes, or never ends, is waited for as long as the handshake may
// take, and not longer.
func TestSandboxTimesHeads(t *testing.T) {
	h := sandboxOf(t)
	for _, head := range []string{"", knock[:40]} {
		synctest.Test(t, func(t *testing.T) {
			l, s, log := sandboxed(t, h, 10*time.Second)
			ours, theirs := net.Pipe()
			began := time.Now()
			l.next <- theirs
			io.WriteString(ours, head)
			if _, err := ours.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("%v, want the end", err)
			}
			if took := time.Since(began); took != 10*time.Second {
				t.Errorf("%q: closed after %v, want 10s", head, took)
			}
			if log.String() != "" {
				t.Errorf("the log says %s", log)
			}
			s.Close()
		})
	}
}

// The timeout is that of the handshake: a connection that is open knows it no more.
func TestSandboxTimesNothingElse(t *testing.T) {
	h := sandboxOf(t)
	synctest.Test(t, func(t *testing.T) {
		l, s, _ := sandboxed(t, h, 10*time.Second)
		ours, theirs := net.Pipe()
		l.next <- theirs
		conn := plainly(t, ours, nil)
		go io.WriteString(ours, knock)
		conn.wantStatus(101)
		time.Sleep(12 * time.Second)
		go io.WriteString(ours, hello)
		conn.wants(helloBack)
		conn.Close()
		s.Close()
	})
}

// An error that passes, such as too many open files, is told to the HTTP server, and
// does not end the listening.
func TestSandboxAcceptsOn(t *testing.T) {
	h := sandboxOf(t)
	synctest.Test(t, func(t *testing.T) {
		l, s, _ := sandboxed(t, h, 0)
		for _, text := range []string{"first", "second"} {
			passing := errors.New(text)
			l.next <- passing
			if _, err := s.Accept(); err != passing {
				t.Errorf("Accept: %v, want %v", err, passing)
			}
		}
		ours, theirs := net.Pipe()
		l.next <- theirs
		io.WriteString(ours, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		conn, err := s.Accept()
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil || r.Host != "a" {
			t.Errorf("it begins with %+v, %v", r, err)
		}
		l.next <- errors.New("nobody hears of it")
		s.Close()
		if _, err := s.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
	})
}

// A page that nobody serves any more is closed.
func TestSandboxClosesWhatIsLeft(t *testing.T) {
	h := sandboxOf(t)
	synctest.Test(t, func(t *testing.T) {
		l, s, _ := sandboxed(t, h, 0)
		ours, theirs := net.Pipe()
		l.next <- theirs
		io.WriteString(ours, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		synctest.Wait() // until the HTTP server is to have it
		s.Close()
		if _, err := ours.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%v, want the end", err)
		}
	})
}
