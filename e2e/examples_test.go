//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEchoExamples(t *testing.T) {
	for name, start := range map[string]func(*testing.T) server{
		"echo":          func(t *testing.T) server { return example(t, "echo") },
		"echo, evented": func(t *testing.T) server { return example(t, "echo", "--driver", "evented") },
		"server":        func(t *testing.T) server { return autobahnServer(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			for _, path := range []string{"/", "/any/path?with=query"} {
				c := npmWS.connect(t, s.url(path))
				echoes(t, c)
				c.close(1000, "")
				wantClose(t, c, 1000)
			}
			w, resp := ask(t, s.host, "GET / HTTP/1.1", map[string]string{"Origin": "https://evil.example"})
			if resp.StatusCode != 403 {
				t.Errorf("another origin: %s, want 403", resp.Status)
			}
			w.Close()
			s.signal(os.Interrupt)
			s.exit(0)
		})
	}
}

// The Autobahn server reads handshakes itself, without net/http before it.
func TestAutobahnServer(t *testing.T) {
	for _, driver := range []string{"blocking", "evented"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel() // it waits out a handshake
			testAutobahnServer(t, autobahnServer(t, "--driver", driver))
		})
	}
}

func testAutobahnServer(t *testing.T, s server) {
	for _, part := range []struct {
		name string
		test func(*testing.T, server)
	}{
		{"echoes", testEchoes},
		{"pings", testAnswersPings},
		{"close", testAnswersClose},
		{"handshakes", testHandshakes},
		{"a slow handshake", testSlowHandshake},
		{"frames with the handshake", testFramesWithHandshake},
		{"violations", testViolations},
		{"close of a client that writes", testCloseReaches},
		{"noise", testNoise},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, s) })
	}
}

// --max-message of the Autobahn server raises the frame limit too.
func TestAutobahnServerTakesLargeMessages(t *testing.T) {
	c := npmWS.connect(t, autobahnServer(t, "--max-message", fmt.Sprint(16<<20)).url("/"))
	data := payload("binary", 16<<20)
	c.send("binary", data)
	want(t, c, event{Kind: "binary", Data: data})
}

// A flag after an argument would not be looked at.
func TestExamplesMisused(t *testing.T) {
	for _, test := range []struct{ args, stderr string }{
		{"auth extra --addr 127.0.0.1:0", `auth: unexpected argument "extra"`},
		{"auth --user alice", "auth: --user is not NAME:PASSWORD"},
		{"auth --session 999ms", "auth: --session 999ms is less than a second"},
		{"chat extra --addr 127.0.0.1:0", `chat: unexpected argument "extra"`},
		{"echo extra --addr 127.0.0.1:0", `echo: unexpected argument "extra"`},
		{"echo --deflate on", `echo: --deflate "on" is none of off, nct and ct`},
		{"echo --driver epoll", `echo: --driver "epoll" is neither blocking nor evented`},
		{"server --driver epoll", `autobahn server: --driver "epoll" is neither blocking nor evented`},
		{"proxy extra --addr 127.0.0.1:0", `proxy: unexpected argument "extra"`},
		{"proxy --backend http://127.0.0.1:9000", `proxy: --backend "http://127.0.0.1:9000" is not a ws or wss URL`},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := strings.Fields(test.args)
			p := command(t, args[0], args[1:]...)
			if lines := p.rest(); len(lines) > 0 {
				t.Errorf("standard output: %q", lines)
			}
			p.exit(2)
			if got := p.stderr.String(); got != test.stderr+"\n" {
				t.Errorf("standard error: %q, want %q", got, test.stderr)
			}
		})
	}
}

// example starts a server of examples/.
func example(t *testing.T, name string, args ...string) server {
	t.Helper()
	return listening(t, "http", name, args...)
}

// The chat in a browser. The server is stopped and started again: the pages say
// so, and come back.
func TestChatExample(t *testing.T) {
	s := example(t, "chat")
	p := start(t, "node", "peers/chat.mjs", "http://"+s.host+"/")
	if line := p.line(); line != "talked" {
		t.Fatalf("the script says %q", line)
	}
	s.stop()
	if line := p.line(); line != "waiting" {
		t.Fatalf("the script says %q", line)
	}
	again := command(t, "chat", "--addr", s.host)
	again.listening("http")
	p.say("it is there again")
	p.rest()
	p.exit(0)
}

// The cookie of --secure is the one that browsers have most rules for; they trust
// their own machine without TLS, too.
func TestAuthExample(t *testing.T) {
	s := example(t, "auth", "--session", "4s", "--secure")
	p := start(t, "node", "peers/auth.mjs", "http://"+s.host+"/")
	for _, want := range []string{"refused", "logged out"} {
		if line := p.line(); line != want {
			t.Fatalf("the script says %q, want %q", line, want)
		}
	}
	p.rest()
	p.exit(0)
	s.stop()
}

// The proxy between peers of other people's making.
func TestProxyExample(t *testing.T) {
	for _, server := range foreignServers {
		for _, client := range []implementation{npmWS, pythonWebsockets} {
			t.Run(client.name+" to "+server.name, func(t *testing.T) {
				behind, host := server.listen(t)
				proxy := example(t, "proxy", "--backend", "ws://"+host)
				c := client.connect(t, proxy.url("/"))
				want(t, behind, event{Kind: "open"})
				converse(t, c, behind, "text", "binary")
				c.close(4001, "wörld")
				want(t, behind, event{Kind: "close", Code: 4001, Reason: "wörld"})
				wantClose(t, c, 4001)
				proxy.stop()
			})
		}
	}
}

func TestProxyExamplePassesTheServersClose(t *testing.T) {
	behind, host := npmWS.listen(t)
	proxy := example(t, "proxy", "--backend", "ws://"+host)
	c := pythonWebsockets.connect(t, proxy.url("/"))
	want(t, behind, event{Kind: "open"})
	behind.close(1013, "come back")
	want(t, c, event{Kind: "close", Code: 1013, Reason: "come back"})
}

// A browser's page whose WebSocket goes through the proxy.
func TestProxyExampleWithChromium(t *testing.T) {
	echo := command(t, "echo", "--addr", "127.0.0.1:0")
	proxy := example(t, "proxy", "--backend", "ws://"+echo.listening("http"))
	c := chromium.connect(t, proxy.url("/"))
	echoes(t, c)
	c.close(1000, "bye")
	wantClose(t, c, 1000)
	echo.signal(os.Interrupt)
	echo.exit(0)
	proxy.stop()
}

// The core alone, on sockets that somebody else has accepted.
func TestEmbedExampleIsAServer(t *testing.T) {
	for _, client := range []implementation{npmWS, pythonWebsockets} {
		t.Run(client.name, func(t *testing.T) {
			host, ended := embedded(t)
			c := client.connect(t, "ws://"+host+"/")
			echoes(t, c)
			c.close(1000, "")
			wantClose(t, c, 1000)
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("embed: %v", err)
				}
			case <-time.After(patience):
				t.Fatal("embed did not end")
			}
		})
	}
}

func TestEmbedExampleRefusesBrowsers(t *testing.T) {
	host, _ := embedded(t)
	w, resp := ask(t, host, "GET / HTTP/1.1", map[string]string{"Origin": "http://" + host})
	if resp.StatusCode != 403 {
		t.Errorf("a page: %s, want 403", resp.Status)
	}
	w.Close()
	wantClose(t, chromium.try(t, "ws://"+host+"/"), 1006)
}

// embedded runs examples/embed for each connection, as socat does, and tells how
// it ends.
func embedded(t *testing.T) (host string, ended <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ends := make(chan error)
	go func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				select {
				case ends <- runEmbed(t.Context(), socket):
				case <-t.Context().Done():
				}
			}()
		}
	}()
	return l.Addr().String(), ends
}

func TestEmbedExampleIsAClient(t *testing.T) {
	for _, server := range foreignServers {
		t.Run(server.name, func(t *testing.T) {
			s, host := server.listen(t)
			socket, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- runEmbed(t.Context(), socket, "--client", "hello", "wörld") }()
			want(t, s, event{Kind: "open"})
			for _, text := range []string{"hello", "wörld"} {
				want(t, s, event{Kind: "text", Data: []byte(text)})
				s.send("text", []byte(text))
			}
			wantClose(t, s, 1000)
			if err := <-ended; err != nil {
				t.Errorf("embed: %v", err)
			}
		})
	}
}

// runEmbed runs examples/embed with a socket as its standard input and output.
func runEmbed(ctx context.Context, socket net.Conn, args ...string) error {
	defer socket.Close()
	f, err := socket.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "embed"), args...)
	cmd.Stdin, cmd.Stdout = f, f
	if err := cmd.Start(); err != nil {
		return err
	}
	socket.Close() // or the peer would not see that the program closes its own
	f.Close()
	return cmd.Wait()
}

// An Autobahn is the server side of the Autobahn protocol: a client asks how
// many cases there are, runs each, and asks for the report.
type autobahn struct {
	cases []func(*wire, *http.Request)

	mu  sync.Mutex
	log []string
}

func (a *autobahn) serve(w *wire, req *http.Request) {
	a.mu.Lock()
	a.log = append(a.log, req.URL.RequestURI())
	a.mu.Unlock()
	switch req.URL.Path {
	case "/getCaseCount":
		w.accept(req)
		w.write(frame{op: opText, payload: fmt.Append(nil, len(a.cases))}.unmasked())
		w.part(1000)
	case "/runCase":
		var n int
		fmt.Sscan(req.URL.Query().Get("case"), &n)
		if n < 1 || n > len(a.cases) {
			w.t.Errorf("no such case: %s", req.URL)
			return
		}
		a.cases[n-1](w, req)
	case "/updateReports":
		w.accept(req)
		w.part(1000)
	default:
		w.t.Errorf("unknown request: %s", req.URL)
	}
}

// part closes from the server's side and waits for the answer.
func (w *wire) part(code uint16) {
	w.t.Helper()
	w.write(frame{op: opClose, payload: []byte{byte(code >> 8), byte(code)}}.unmasked())
	for {
		f, masked, err := readFrame(w.r)
		if err != nil {
			w.t.Errorf("waiting for the answer to a close: %v", err)
			return
		}
		if !masked {
			w.t.Error("a client sent a frame without a mask")
		}
		if f.op == opClose {
			w.wantCode(f, int(code))
			return
		}
	}
}

// returns checks that the client echoes a message, given as its frames.
func (w *wire) returns(op byte, message string, frames ...frame) {
	w.t.Helper()
	for _, f := range frames {
		w.write(f.unmasked())
	}
	var got strings.Builder
	for first := true; ; first = false {
		f, masked, err := readFrame(w.r)
		if err != nil {
			w.t.Errorf("waiting for an echo: %v", err)
			return
		}
		if first && f.op != op || !first && f.op != opContinuation || !masked {
			w.t.Errorf("got opcode %#x, masked: %v, want %#x", f.op, masked, op)
		}
		got.Write(f.payload)
		if !f.more {
			break
		}
	}
	if got.String() != message {
		w.t.Errorf("echo of %d bytes, want %d", got.Len(), len(message))
	}
}

func TestAutobahnClient(t *testing.T) {
	t.Parallel() // it waits out a handshake
	long := string(payload("text", 1<<20))
	a := &autobahn{cases: []func(*wire, *http.Request){
		func(w *wire, req *http.Request) { // a text
			w.accept(req)
			w.returns(opText, "hello", frame{op: opText, payload: []byte("hello")})
			w.part(1000)
		},
		func(w *wire, req *http.Request) { // the handshake is refused
			w.write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
		},
		func(w *wire, req *http.Request) { // a reset in place of an answer
			w.reset()
		},
		func(w *wire, req *http.Request) { // a reset in the middle
			w.accept(req)
			w.write(frame{op: opText, payload: []byte("hello"), more: true}.unmasked())
			w.reset()
		},
		func(w *wire, req *http.Request) { // an end of file in the middle
			w.accept(req)
			w.write(frame{op: opBinary, payload: []byte("hello")}.unmasked()[:4])
		},
		func(w *wire, req *http.Request) { // silence in place of an answer
			_, _ = io.ReadAll(w.r)
		},
		func(w *wire, req *http.Request) { // a wrong Sec-WebSocket-Accept
			w.write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Accept: " + sampleAccept + "\r\n\r\n"))
		},
		func(w *wire, req *http.Request) { // fragments with a ping between
			w.accept(req)
			w.write(frame{op: opBinary, payload: []byte("one "), more: true}.unmasked())
			w.write(frame{op: opPing, payload: []byte("hi")}.unmasked())
			if f := w.frame(); f.op != opPong || string(f.payload) != "hi" {
				w.t.Errorf("got opcode %#x with %q, want a pong", f.op, f.payload)
			}
			w.returns(opBinary, "one two", frame{op: opContinuation, payload: []byte("two")})
			w.part(1000)
		},
		func(w *wire, req *http.Request) { // as large as the limit allows
			w.accept(req)
			w.returns(opText, long, frame{op: opText, payload: []byte(long)})
			w.part(1000)
		},
		func(w *wire, req *http.Request) { // a violation
			w.accept(req)
			w.write(frame{op: 0x40 | opText, payload: []byte("hi")}.unmasked())
			w.wantCode(w.frame(), 1002)
		},
		func(w *wire, req *http.Request) { // bad UTF-8
			w.accept(req)
			w.write(frame{op: opText, payload: []byte("\xff")}.unmasked())
			w.wantCode(w.frame(), 1007)
		},
		func(w *wire, req *http.Request) { // a close with a code of its own
			w.accept(req)
			w.part(4000)
		},
	}}
	host := serveSocket(t, a.serve)
	p := command(t, "client", "--url", "ws://"+host, "--agent", "e2e test")
	p.rest()
	p.exit(0)

	wanted := []string{"/getCaseCount"}
	for n := range a.cases {
		wanted = append(wanted, fmt.Sprintf("/runCase case=%d agent=e2e test", n+1))
	}
	wanted = append(wanted, "/updateReports agent=e2e test")
	a.mu.Lock()
	defer a.mu.Unlock()
	if got := requests(t, a.log); strings.Join(got, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("requests:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
}

// requests brings what was asked for into one form, whatever the order of the
// query and its escaping.
func requests(t *testing.T, log []string) []string {
	t.Helper()
	var all []string
	for _, uri := range log {
		req, err := http.NewRequest("GET", uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		line := req.URL.Path
		for _, key := range []string{"case", "agent"} {
			if value := req.URL.Query().Get(key); value != "" {
				line += " " + key + "=" + value
			}
		}
		all = append(all, line)
	}
	return all
}
