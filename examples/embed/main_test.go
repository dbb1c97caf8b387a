package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// TestMain is the program itself where a test has started it.
func TestMain(m *testing.M) {
	if os.Getenv("EMBED") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// patience bounds every wait; a test that passes never waits for all of it.
const patience = 30 * time.Second

// A process is a running embed.
type process struct {
	*exec.Cmd
	t      *testing.T
	stderr bytes.Buffer
}

// start starts the program; its ends of the pipes belong to it alone.
func start(t *testing.T, stdin, stdout *os.File, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...), t: t}
	p.Env = append(os.Environ(), "EMBED=1", "GORACE=atexit_sleep_ms=0")
	p.Stdin, p.Stdout, p.Stderr = stdin, stdout, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	stdout.Close()
	return p
}

// exit waits for the end, and checks the status and standard error.
func (p *process) exit(status int, stderr string) {
	p.t.Helper()
	late := time.AfterFunc(patience, func() { p.Process.Kill() })
	defer late.Stop()
	if err := p.Wait(); err != nil && p.ProcessState == nil {
		p.t.Fatal(err)
	}
	if got := p.ProcessState.ExitCode(); got != status {
		p.t.Errorf("%.60q: exit status %d, want %d", p.Args[1:], got, status)
	}
	if got := p.stderr.String(); got != stderr {
		p.t.Errorf("%.60q: standard error is %.500q, want %.500q", p.Args[1:], got, stderr)
	}
}

// joined starts a server and a client, each of which reads what the other
// writes.
func joined(t *testing.T, messages ...string) (server, client *process) {
	t.Helper()
	serverIn, clientOut := pipe(t)
	clientIn, serverOut := pipe(t)
	server = start(t, serverIn, serverOut)
	client = start(t, clientIn, clientOut, append([]string{"--client", "--"}, messages...)...)
	return server, client
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

func TestTwoProcesses(t *testing.T) {
	large := make([]string, 10) // more than the pipes and the server hold
	for i := range large {
		large[i] = strings.Repeat(fmt.Sprint(i), 100<<10)
	}
	for name, messages := range map[string][]string{
		"none":  {},
		"some":  {"hello", "", "wörld", "--client"},
		"large": large,
	} {
		t.Run(name, func(t *testing.T) {
			server, client := joined(t, messages...)
			var answers strings.Builder
			for _, m := range messages {
				fmt.Fprintf(&answers, "%q\n", m)
			}
			client.exit(0, answers.String())
			server.exit(0, "")
		})
	}
}

func TestArgumentsOfAServer(t *testing.T) {
	server, w := talk(t, "hello")
	w.wantEOF()
	server.exit(2, "embed: unexpected argument \"hello\": only the client sends\n")
}

func TestBadText(t *testing.T) {
	server, client := joined(t, "\xff")
	client.exit(1, "embed: "+core.ErrInvalidText.Error()+"\n")
	server.exit(1, "embed: "+core.ErrLost.Error()+"\n")
}

// A peer is the test itself at the other end.
type peer struct {
	t    *testing.T
	r, w *os.File
}

// talk starts the program with the test at its other end.
func talk(t *testing.T, args ...string) (*process, *peer) {
	t.Helper()
	in, w := pipe(t)
	r, out := pipe(t)
	r.SetDeadline(time.Now().Add(patience))
	w.SetDeadline(time.Now().Add(patience))
	return start(t, in, out, args...), &peer{t, r, w}
}

func (w *peer) send(p string) {
	w.t.Helper()
	if _, err := io.WriteString(w.w, p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *peer) want(p string) {
	w.t.Helper()
	got := make([]byte, len(p))
	if n, err := io.ReadFull(w.r, got); err != nil || string(got) != p {
		w.t.Fatalf("got %.200q, %v, want %.200q", got[:n], err, p)
	}
}

func (w *peer) wantEOF() {
	w.t.Helper()
	if rest, err := io.ReadAll(w.r); err != nil || len(rest) > 0 {
		w.t.Fatalf("got %.200q, %v, want the end", rest, err)
	}
}

// The handshake of RFC 6455 section 1.3.
const (
	request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// Frames; those of the client have the mask of zeros.
const (
	maskedPing   = "\x89\x82\x00\x00\x00\x00hi"
	pong         = "\x8a\x02hi"
	maskedHello  = "\x81\x85\x00\x00\x00\x00Hello"
	hello        = "\x81\x05Hello"
	maskedClose  = "\x88\x82\x00\x00\x00\x00\x03\xe8"
	closeNormal  = "\x88\x02\x03\xe8"
	ping         = "\x89\x00"
	notMasked    = "\x81\x05Hello"
	protocolCode = "\x03\xea"
)

func TestOnTheWire(t *testing.T) {
	server, w := talk(t)
	w.send(request + maskedPing[:3])
	w.want(response)
	w.send(maskedPing[3:])
	w.want(pong)
	w.send(maskedHello + maskedClose)
	w.want(hello + closeNormal)
	w.wantEOF()
	w.w.Close()
	server.exit(0, "")
}

func TestViolation(t *testing.T) {
	server, w := talk(t)
	w.send(request + notMasked)
	reason := core.ErrMaskRequired.Reason()
	w.want(response + "\x88" + string(rune(2+len(reason))) + protocolCode + reason)
	w.wantEOF()
	w.w.Close()
	server.exit(1, "embed: "+core.ErrMaskRequired.Error()+"\n")
}

func TestPingsAreDueByTheClock(t *testing.T) {
	server, w := talk(t, "--ping", "1ms")
	w.send(request)
	w.want(response + ping + ping + ping)
	w.w.Close()
	io.Copy(io.Discard, w.r)
	server.exit(1, "embed: "+core.ErrLost.Error()+"\n")
}

// Any page on the internet could connect to a server on this machine.
func TestBrowsersAreRefused(t *testing.T) {
	server, w := talk(t)
	w.send(strings.Replace(request, "\r\n\r\n", "\r\nOrigin: https://example.com\r\n\r\n", 1))
	w.want("HTTP/1.1 403 Forbidden\r\n")
	w.w.Close()
	io.Copy(io.Discard, w.r)
	server.exit(1, "embed: "+core.ErrRejected.Error()+"\n")
}

// The server closes in place of an answer.
func TestMissingAnswers(t *testing.T) {
	client, w := talk(t, "--client", "one", "two")
	settings, err := core.NewSettings(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := core.NewServer(settings, 0)
	in := make([]byte, 4096)
	for ev := (core.Event{}); ev.Kind != core.EventRequest; {
		n, err := w.r.Read(in)
		if err != nil {
			t.Fatal(err)
		}
		_, ev = c.Recv(0, in[:n], nil)
	}
	if err := c.Accept(0, core.AcceptOptions{}); err != nil {
		t.Fatal(err)
	}
	out, err := c.AppendClose(0, c.AppendOutput(nil), frame.TryAgainLater, "")
	if err != nil {
		t.Fatal(err)
	}
	w.send(string(out))
	w.w.Close()
	client.exit(1, "embed: closed without 2 of the answers\n")
}

// received is what a client makes of a server's frames.
func received(t *testing.T, in []byte) (messages string, code frame.CloseCode) {
	t.Helper()
	settings, err := core.NewSettings(core.Config{Entropy: func() uint32 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := core.NewOpen(settings, 0, core.Client)
	if err != nil {
		t.Fatal(err)
	}
	for {
		n, ev := c.Recv(0, in, nil)
		switch ev.Kind {
		case core.EventMessage:
			messages += string(ev.Data)
		case core.EventNone:
			return messages, code
		case core.EventClose:
			code = ev.Code
		case core.EventFailed:
			t.Fatal(c.Err())
		}
		in = in[n:]
	}
}

// Who sends and does not read is held back, and gets everything in the end.
func TestHoldingBack(t *testing.T) {
	server, w := talk(t)
	w.send(request)
	w.want(response)
	const size, most = 1024, 1 << 20
	masked := "\x82\xfe\x04\x00\x00\x00\x00\x00" + strings.Repeat("x", size)
	var sent, cut int // whole messages, and bytes of the next one
	for {
		w.w.SetDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := io.WriteString(w.w, masked)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			cut = n
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if sent++; sent*size > most {
			t.Fatalf("the server took %d bytes that it could not send back", sent*size)
		}
	}
	w.w.SetDeadline(time.Now().Add(patience))
	go func() {
		io.WriteString(w.w, masked[cut:]+maskedClose)
		w.w.Close()
	}()
	all, err := io.ReadAll(w.r)
	if err != nil {
		t.Fatal(err)
	}
	messages, code := received(t, all)
	if messages != strings.Repeat("x", (sent+1)*size) || code != frame.NormalClosure {
		t.Errorf("got %d bytes and %v, want %d", len(messages), code, (sent+1)*size)
	}
	server.exit(0, "")
}
