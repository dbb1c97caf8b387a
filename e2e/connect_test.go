//go:build e2e

package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// websockets connect talks to foreign servers.

// A terminal is websockets connect seen from its user: lines in, lines out. With
// --hex the lines are binary messages.
type terminal struct{ *process }

func (c terminal) send(kind string, data []byte) {
	c.t.Helper()
	switch kind {
	case "text":
		c.say(string(data))
	case "binary":
		c.say(hex.EncodeToString(data))
	default:
		c.t.Fatalf("connect cannot send %s", kind)
	}
}

func (c terminal) next() event {
	c.t.Helper()
	line := c.line()
	if !slices.Contains(c.cmd.Args, "--hex") {
		return event{Kind: "text", Data: []byte(line)}
	}
	data, err := hex.DecodeString(line)
	if err != nil {
		c.t.Fatal(err)
	}
	return event{Kind: "binary", Data: data}
}

// close ends the input, which connect turns into a close with 1000.
func (c terminal) close(int, string) { c.stdin.Close() }

func connect(t *testing.T, url string, flags ...string) terminal {
	t.Helper()
	return terminal{command(t, "websockets", append([]string{"connect", url}, flags...)...)}
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

func TestConnectTalksBinary(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			far, host := i.listen(t)
			c := connect(t, "ws://"+host, "--hex")
			want(t, far, event{Kind: "open"})
			converse(t, c, far, "binary")
			c.close(1000, "")
			want(t, far, event{Kind: "close", Code: 1000})
			c.ends(0)
		})
	}
}

func TestConnectMeasuresRoundTrips(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			_, host := i.listen(t)
			c := connect(t, "ws://"+host, "--ping", "10ms")
			eventually(t, "three round trips", func() bool { return strings.Count(c.stderr.String(), "round trip ") >= 3 })
			c.close(1000, "")
			c.ends(0)
		})
	}
}

// A signal closes the connection with 1001, and that is a clean close.
func TestConnectIsInterrupted(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			far, host := pythonWebsockets.listen(t)
			c := connect(t, "ws://"+host)
			want(t, far, event{Kind: "open"})
			eventually(t, "connected", func() bool { return strings.Contains(c.stderr.String(), "connected") })
			c.signal(sig)
			wantClose(t, far, 1001)
			c.ends(0)
		})
	}
}

// When nobody reads standard output any more connect ends well, be there a
// message to print or not.
func TestConnectLosesItsReader(t *testing.T) {
	for _, c := range []struct{ name, message string }{
		{"a message comes", "hello"},
		{"no message comes", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := serveSocket(t, func(w *wire, req *http.Request) {
				w.accept(req)
				if c.message != "" {
					w.write(frame{op: opText, payload: []byte(c.message)}.unmasked())
				}
				f := w.frame()
				w.wantCode(f, 1001)
				w.write(frame{op: opClose, payload: f.payload}.unmasked())
			})
			reader, stdout, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			stdin, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			cmd := exec.Command(filepath.Join(bin, "websockets"), "connect", "ws://"+host)
			var stderr transcript
			cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			stdin.Close()
			stdout.Close()
			if c.message == "" {
				eventually(t, "connected", func() bool { return strings.Contains(stderr.String(), "connected") })
			}
			reader.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, &stderr)
			}
			if !strings.Contains(stderr.String(), "nobody reads standard output any more\nclosed: 1001") {
				t.Errorf("standard error %q", &stderr)
			}
		})
	}
}

// A second signal does not wait for a server that does not answer.
func TestConnectIsInterruptedTwice(t *testing.T) {
	host := silent(t)
	c := connect(t, "ws://"+host, "--close-timeout", "0")
	eventually(t, "connected", func() bool { return strings.Contains(c.stderr.String(), "connected") })
	c.signal(os.Interrupt)
	time.Sleep(100 * time.Millisecond)
	c.signal(os.Interrupt)
	c.ends(1)
}

// silent is a server that accepts and then neither reads nor writes.
func silent(t *testing.T) (host string) {
	t.Helper()
	over := make(chan struct{})
	host = serveSocket(t, func(w *wire, req *http.Request) {
		w.accept(req)
		<-over
	})
	t.Cleanup(func() { close(over) })
	return host
}

// However connect ends, by its own bugs and SIGKILL excepted, the terminal is as it was before.
func TestConnectLeavesTheTerminal(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*wire)
		do     func(pid *os.Process, keys *os.File)
		status int
	}{
		{"Ctrl-D", answerClose, func(_ *os.Process, keys *os.File) { keys.WriteString("\x04") }, 0},
		{"Ctrl-C", answerClose, func(_ *os.Process, keys *os.File) { keys.WriteString("typed\x03") }, 0},
		{"SIGINT", answerClose, func(p *os.Process, _ *os.File) { p.Signal(os.Interrupt) }, 0},
		{"SIGTERM", answerClose, func(p *os.Process, _ *os.File) { p.Signal(syscall.SIGTERM) }, 0},
		{"SIGHUP", answerClose, func(p *os.Process, _ *os.File) { p.Signal(syscall.SIGHUP) }, 0},
		{"Ctrl-C twice", stall, func(_ *os.Process, keys *os.File) {
			keys.WriteString("\x03")
			time.Sleep(200 * time.Millisecond)
			keys.WriteString("\x03")
		}, 1},
		{"SIGTERM twice", stall, func(p *os.Process, _ *os.File) {
			p.Signal(syscall.SIGTERM)
			time.Sleep(200 * time.Millisecond)
			p.Signal(syscall.SIGTERM)
		}, 1},
		{"SIGQUIT", stall, func(p *os.Process, _ *os.File) { p.Signal(syscall.SIGQUIT) }, 2},
		{"SIGABRT", stall, func(p *os.Process, _ *os.File) { p.Signal(syscall.SIGABRT) }, 2},
		{"the server closes", func(w *wire) {
			w.write(frame{op: opClose, payload: []byte("\x03\xe8")}.unmasked())
			w.frame()
		}, func(*os.Process, *os.File) {}, 0},
		{"the server is lost", func(w *wire) { w.reset() }, func(*os.Process, *os.File) {}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			prompted := make(chan struct{})
			host := serveSocket(t, func(w *wire, req *http.Request) {
				w.accept(req)
				<-prompted
				c.answer(w)
			})
			keys, tty := openTerminal(t)
			before := settings(t, tty)
			cmd := exec.Command(filepath.Join(bin, "websockets"), "connect", "--no-history", "--close-timeout", "0", "ws://"+host)
			cmd.Env = append(os.Environ(), "TERM=xterm")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			seen := &transcript{}
			go io.Copy(seen, keys)
			eventually(t, "a prompt", func() bool { return strings.Contains(seen.String(), "> ") })
			if settings(t, tty) == before {
				t.Error("lines are not edited")
			}
			close(prompted)
			c.do(cmd.Process, keys)
			cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != c.status {
				t.Errorf("exit status %d, want %d; the terminal shows %q", status, c.status, seen)
			}
			if settings(t, tty) != before {
				t.Error("the terminal is not as it was")
			}
		})
	}
}

// answerClose answers a close frame.
func answerClose(w *wire) {
	for {
		if f := w.frame(); f.op == opClose {
			w.write(frame{op: opClose, payload: f.payload}.unmasked())
			return
		}
	}
}

// stall keeps the connection until the client has gone.
func stall(w *wire) { io.Copy(io.Discard, w.r) }

// openTerminal returns the two sides of a pseudo-terminal.
func openTerminal(t *testing.T) (keys, tty *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	raw, err := keys.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	raw.Control(func(fd uintptr) {
		unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
	})
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return keys, tty
}

func settings(t *testing.T, tty *os.File) unix.Termios {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *s
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
			w.write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nno such room"))
		})
		c := connect(t, "ws://"+host)
		c.ends(1)
		c.complains("404 Not Found", "no such room")
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
