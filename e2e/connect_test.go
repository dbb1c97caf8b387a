//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// websockets connect talks to foreign servers.

// A terminal is websockets connect seen from its user: lines in, lines out.
type terminal struct{ *process }

func (c terminal) send(kind string, data []byte) {
	c.t.Helper()
	if kind != "text" {
		c.t.Fatalf("connect cannot send %s", kind)
	}
	c.say(string(data))
}

func (c terminal) next() event {
	c.t.Helper()
	return event{Kind: "text", Data: []byte(c.line())}
}

// close ends the input, which connect turns into a close with 1000.
func (c terminal) close(int, string) { c.stdin.Close() }

func connect(t *testing.T, url string) terminal {
	t.Helper()
	return terminal{command(t, "websockets", "connect", url)}
}

// ends checks that connect has nothing more to print and ends with a status.
func (c terminal) ends(status int) {
	c.t.Helper()
	if lines := c.rest(); len(lines) > 0 {
		c.t.Errorf("more lines on standard output: %.200q", lines)
	}
	c.exit(status)
}

// complains checks that standard error says something.
func (c terminal) complains(about ...string) {
	c.t.Helper()
	stderr := c.stderr.String()
	if stderr == "" {
		c.t.Error("nothing on standard error")
	}
	for _, word := range about {
		if !strings.Contains(stderr, word) {
			c.t.Errorf("standard error does not say %q:\n%s", word, stderr)
		}
	}
}

func TestConnectTalks(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			far, host := i.listen(t)
			c := connect(t, "ws://"+host+"/any?path=1")
			want(t, far, event{Kind: "open"})
			converse(t, c, far, "text")
			c.close(1000, "")
			want(t, far, event{Kind: "close", Code: 1000})
			c.ends(0)
		})
	}
}

func TestConnectAnswersPings(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			far, host := i.listen(t)
			connect(t, "ws://"+host)
			want(t, far, event{Kind: "open"})
			far.send("ping", []byte("are you there?"))
			want(t, far, event{Kind: "pong", Data: []byte("are you there?")})
		})
	}
}

// The server closes while connect still has its input open.
func TestConnectHearsClose(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			far, host := i.listen(t)
			c := connect(t, "ws://"+host)
			want(t, far, event{Kind: "open"})
			far.send("text", []byte("last words"))
			far.close(4001, "so long")
			want(t, c, event{Kind: "text", Data: []byte("last words")})
			c.ends(0)
			c.complains("4001", "so long")
			wantClose(t, far, 4001)
		})
	}
}

func TestConnectLosesServer(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			far, host := i.listen(t)
			c := connect(t, "ws://"+host)
			want(t, far, event{Kind: "open"})
			if err := far.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			c.ends(1)
			c.complains()
		})
	}
}

func TestConnectIsRefused(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		c := connect(t, "ws://"+freePort(t))
		c.ends(1)
		c.complains("refused")
	})
	t.Run("404", func(t *testing.T) {
		host := serveSocket(t, func(w *wire, req *http.Request) {
			w.write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
		})
		c := connect(t, "ws://"+host)
		c.ends(1)
		c.complains("404")
	})
	t.Run("no sense", func(t *testing.T) {
		host := serveSocket(t, func(w *wire, req *http.Request) {
			w.write([]byte("220 mail.example ESMTP\r\n"))
		})
		c := connect(t, "ws://"+host)
		c.ends(1)
		c.complains()
	})
	t.Run("reset", func(t *testing.T) {
		host := serveSocket(t, func(w *wire, req *http.Request) {
			w.reset()
		})
		c := connect(t, "ws://"+host)
		c.ends(1)
		c.complains()
	})
}

// A server that breaks the protocol is told so, and so is the user.
func TestConnectMeetsViolations(t *testing.T) {
	for _, v := range []struct {
		name string
		wire []byte
		code int
	}{
		{"a masked frame", text("hello"), 1002},
		{"a reserved bit", frame{op: 0x40 | opText}.unmasked(), 1002},
		{"bad UTF-8", frame{op: opText, payload: []byte("\xff")}.unmasked(), 1007},
		{"a frame of 1 MiB and a byte", []byte{0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1}, 1009},
	} {
		t.Run(v.name, func(t *testing.T) {
			host := serveSocket(t, func(w *wire, req *http.Request) {
				w.accept(req)
				w.write(v.wire)
				f := w.frame()
				if f.op != opClose {
					w.t.Errorf("got opcode %#x, want a close", f.op)
				}
				w.wantCode(f, v.code)
			})
			c := connect(t, "ws://"+host)
			c.ends(1)
			c.complains(fmt.Sprint(v.code))
		})
	}
}

// What arrives between our close and its answer still comes out.
func TestConnectPrintsLateMessages(t *testing.T) {
	host := serveSocket(t, func(w *wire, req *http.Request) {
		w.accept(req)
		f := w.frame()
		w.wantCode(f, 1000)
		time.Sleep(100 * time.Millisecond)
		w.write(frame{op: opText, payload: []byte("late")}.unmasked())
		w.write(frame{op: opText, payload: []byte("later")}.unmasked())
		w.write(frame{op: opClose, payload: f.payload}.unmasked())
	})
	c := connect(t, "ws://"+host)
	c.close(1000, "")
	want(t, c, event{Kind: "text", Data: []byte("late")})
	want(t, c, event{Kind: "text", Data: []byte("later")})
	c.ends(0)
}

// Lines that wait on standard input when it ends are all sent.
func TestConnectSendsEverythingBeforeItCloses(t *testing.T) {
	far, host := npmWS.listen(t)
	c := connect(t, "ws://"+host)
	lines := []string{"one", "two", "", "a last line without an end"}
	for _, line := range lines[:3] {
		c.say(line)
	}
	if _, err := c.stdin.Write([]byte(lines[3])); err != nil {
		t.Fatal(err)
	}
	c.close(1000, "")
	want(t, far, event{Kind: "open"})
	for _, line := range lines {
		want(t, far, event{Kind: "text", Data: []byte(line)})
	}
	want(t, far, event{Kind: "close", Code: 1000})
	c.ends(0)
}

// serveSocket answers each connection with a function. The function has the
// request; what it does with the socket is its own affair.
func serveSocket(t *testing.T, answer func(*wire, *http.Request)) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { l.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				w := newWire(t, conn)
				if req, err := http.ReadRequest(w.r); err == nil {
					answer(w, req)
				}
			})
		}
	})
	return l.Addr().String()
}

// freePort returns a HOST:PORT of the loopback interface where nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// reset ends the connection with a reset in place of an end of file.
func (w *wire) reset() {
	_ = w.Conn.(*net.TCPConn).SetLinger(0)
	w.Conn.Close()
}
