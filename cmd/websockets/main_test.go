package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// transcript is an output that may be read while it is written.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// result is what a command leaves behind.
type result struct {
	status         int
	stdout, stderr string
}

// command runs a command to its end.
func command(ctx context.Context, stdin string, args ...string) result {
	var stdout, stderr transcript
	status := run(ctx, args, &console{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr})
	return result{status, stdout.String(), stderr.String()}
}

// process is a command that runs.
type process struct {
	t         *testing.T
	stdin     io.WriteCloser
	lines     *bufio.Reader // of standard output
	stderr    *transcript
	interrupt func()
	status    chan int
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	p := &process{
		t:         t,
		stdin:     in,
		lines:     bufio.NewReader(out),
		stderr:    &transcript{},
		interrupt: interrupt,
		status:    make(chan int, 1),
	}
	go func() {
		p.status <- run(ctx, args, &console{stdin: stdin, stdout: stdout, stderr: p.stderr, interrupt: interrupt})
		stdout.Close()
	}()
	t.Cleanup(func() {
		interrupt()
		in.Close()
		out.Close()
		if t.Failed() {
			t.Logf("standard error of %q:\n%s", args, p.stderr)
		}
	})
	return p
}

func (p *process) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) line() string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.t.Fatalf("standard output: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *process) wantLine(want string) {
	p.t.Helper()
	if got := p.line(); got != want {
		p.t.Fatalf("got line %.100q, want %.100q", got, want)
	}
}

// exits waits for the end and checks status and the rest of standard output.
func (p *process) exits(status int) {
	p.t.Helper()
	rest, err := io.ReadAll(p.lines)
	if err != nil || len(rest) > 0 {
		p.t.Errorf("the rest of standard output: %.200q, %v", rest, err)
	}
	if got := <-p.status; got != status {
		p.t.Errorf("exit status %d, want %d", got, status)
	}
}

func (p *process) complains(about string) {
	p.t.Helper()
	if !strings.Contains(p.stderr.String(), about) {
		p.t.Errorf("standard error does not say %q:\n%s", about, p.stderr)
	}
}

// server is websockets serve on a free port.
type server struct {
	*process
	host string
}

func serve(t *testing.T, flags ...string) server {
	t.Helper()
	p := start(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, flags...)...)
	host, ok := strings.CutPrefix(p.line(), "listening on http://")
	if !ok {
		t.Fatal("the first line does not say where it listens")
	}
	return server{p, host}
}

func (s server) url(path string) string { return "ws://" + s.host + path }

func dial(t *testing.T, url string, o *websockets.Options) *websockets.Conn {
	t.Helper()
	c, err := websockets.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func wantMessage(t *testing.T, c *websockets.Conn, want string) {
	t.Helper()
	_, p, err := c.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if string(p) != want {
		t.Fatalf("got %.100q, want %.100q", p, want)
	}
}

func send(t *testing.T, c *websockets.Conn, text string) {
	t.Helper()
	if err := c.Send(t.Context(), websockets.Text, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{nil, []string{"serve", "connect", "Exit status"}},
		{[]string{"--help"}, []string{"serve", "connect", "Exit status"}},
		{[]string{"serve", "--help"}, []string{
			"--addr", "--tls-cert", "--tls-key", "--max-message", "strict", "inspect", "/echo", "/chat",
			"--ping-interval", "--close-timeout", "--connection-timeout", "--handshake-timeout", "--core", "native|wasm", "Examples"}},
		{[]string{"connect", "--help"}, []string{
			"URL", "--max-message", "--ping-interval", "--close-timeout", "--header", "--subprotocol", "--origin", "--proxy",
			"--insecure", "--ca", "--max-redirects", "--binary", "--hex", "--stay", "--ping", "--raw", "--pretty", "--color", "--no-color",
			"--[no-]history", "Exit status", "Examples"}},
		{[]string{"sim", "--help"}, []string{
			"--world", "--runs", "--seed", "--workers", "--json", "--html", "--out", "--list", "--core", "Exit status", "Examples"}},
		{[]string{"replay", "--help"}, []string{"<file>", "--html", "--width", "--all", "--core", "Exit status", "Examples"}},
		{[]string{"help"}, []string{"serve", "connect", "sim", "replay", "Exit status"}},
		{[]string{"help", "serve"}, []string{"--addr"}},
		{[]string{"help", "connect"}, []string{"--subprotocol"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			r := command(t.Context(), "", c.args...)
			if r.status != statusOK || r.stderr != "" {
				t.Errorf("status %d, standard error %q", r.status, r.stderr)
			}
			for _, word := range c.words {
				if !strings.Contains(r.stdout, word) {
					t.Errorf("the help does not say %q:\n%s", word, r.stdout)
				}
			}
		})
	}
}

func TestVersion(t *testing.T) {
	r := command(t.Context(), "", "--version")
	if r.status != statusOK || !strings.HasPrefix(r.stdout, "websockets ") {
		t.Errorf("status %d, standard output %q", r.status, r.stdout)
	}
}

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"no-such-command", "no-such-command"},
		{"--no-such-flag", "no-such-flag"},
		{"serve --no-such-flag", "no-such-flag"},
		{"serve argument", "argument"},
		{"serve --addr 127.0.0.1", "127.0.0.1"},
		{"serve --addr 127.0.0.1:99999", "99999"},
		{"serve --addr 127.0.0.1:http:80", "127.0.0.1:http:80"},
		{"serve --addr 127.0.0.1:nosuchservice", "nosuchservice"},
		{"serve --tls-cert cert.pem", "--tls-key"},
		{"serve --tls-key key.pem", "--tls-cert"},
		{"serve --max-message many", "--max-message"},
		{"serve --max-message -1", "--max-message"},
		{"serve --max-message 2GiB", "1GiB"},
		{"serve --ping-interval soon", "--ping-interval"},
		{"serve --ping-interval 15", "--ping-interval"},
		{"serve --close-timeout=-1s", "--close-timeout"},
		{"serve --connection-timeout 15s", "--ping-interval"},
		{"serve --strict=maybe", "--strict"},
		{"serve --core bogus", "--core"},
		{"connect", "URL"},
		{"connect ws://127.0.0.1:1 ws://127.0.0.1:2", "ws://127.0.0.1:2"},
		{"connect --no-such-flag ws://127.0.0.1:1", "no-such-flag"},
		{"connect --max-message many ws://127.0.0.1:1", "--max-message"},
		{"connect --header Name ws://127.0.0.1:1", "--header"},
		{"connect --header Na\"me:value ws://127.0.0.1:1", "--header"},
		{"connect --header Host:value ws://127.0.0.1:1", "--header"},
		{"connect --subprotocol a/b ws://127.0.0.1:1", "--subprotocol"},
		{"connect --origin example.com ws://127.0.0.1:1", "--origin"},
		{"connect --origin https://example.com/page ws://127.0.0.1:1", "--origin"},
		{"connect --proxy 127.0.0.1:3128 ws://127.0.0.1:1", "--proxy"},
		{"connect --proxy ftp://127.0.0.1 ws://127.0.0.1:1", "--proxy"},
		{"connect --proxy http:// ws://127.0.0.1:1", "--proxy"},
		{"connect --max-redirects=-1 ws://127.0.0.1:1", "--max-redirects"},
		{"connect --ca none.pem wss://127.0.0.1:1", "--ca"},
		{"connect --ca main.go wss://127.0.0.1:1", "--ca"},
		{"connect --ca none.pem --insecure wss://127.0.0.1:1", "--insecure"},
		{"connect --ping soon ws://127.0.0.1:1", "--ping"},
		{"connect --ping=-1s ws://127.0.0.1:1", "--ping"},
		{"connect --binary --hex ws://127.0.0.1:1", "--hex"},
		{"connect --color=red ws://127.0.0.1:1", "--color"},
		{"connect --pretty=very ws://127.0.0.1:1", "--pretty"},
		{"connect --no-color --color=always ws://127.0.0.1:1", "--no-color"},
		{"connect --raw --pretty=always ws://127.0.0.1:1", "--raw"},
		{"sim --world nowhere", "echo, chat"},
		{"sim --world echo,nowhere", "nowhere"},
		{"sim --runs 0", "--runs 0"},
		{"sim --runs=-1", "--runs -1"},
		{"sim --runs many", "--runs"},
		{"sim --workers 0", "--workers 0"},
		{"sim --seed=-1", "--seed"},
		{"sim --core bogus", `"native","wasm"`},
		{"sim argument", "argument"},
		{"replay", "file"},
		{"replay --width=-1 main.go", "--width"},
		{"replay --html page.html one two", "--html"},
		{"replay --core bogus main.go", "--core"},
		{"help no-such-command", "no-such-command"},
		{"connect 127.0.0.1:1", "127.0.0.1:1"},
		{"connect ftp://127.0.0.1", "ftp"},
		{"connect ws://", "ws:"},
		{"connect ws://127.0.0.1:1/#there", "#there"},
		{"connect ws://[::1", "ws://[::1"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := command(t.Context(), "", strings.Fields(c.args)...)
			if r.status != statusUsage || r.stdout != "" {
				t.Errorf("status %d, standard output %q", r.status, r.stdout)
			}
			if !strings.Contains(r.stderr, c.says) {
				t.Errorf("standard error does not say %q:\n%s", c.says, r.stderr)
			}
		})
	}
}

func TestFailure(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"address in use", []string{"serve", "--addr", taken.Addr().String()}, "in use"},
		{"no certificate", []string{"serve", "--tls-cert", "none.pem", "--tls-key", "none.pem"}, "none.pem"},
		{"nobody listens", []string{"connect", "ws://" + freePort(t)}, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := command(t.Context(), "", c.args...)
			if r.status != statusFailed || r.stdout != "" {
				t.Errorf("status %d, standard output %q", r.status, r.stdout)
			}
			if !strings.Contains(r.stderr, c.says) {
				t.Errorf("standard error does not say %q:\n%s", c.says, r.stderr)
			}
		})
	}
}

// freePort returns a HOST:PORT where nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
