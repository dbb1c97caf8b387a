//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait. It is long because machines are slow at times;
// a test that passes never waits for all of it.
const patience = 30 * time.Second

// A process is a command that runs until the end of its test at the latest.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    chan string // lines of standard output, closed at its end
	stderr transcript
	exited chan struct{}
}

// start runs a command in a process group of its own. At the end of the test
// the whole group is killed, and a data race that it reported fails the test.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p := &process{
		t:      t,
		cmd:    exec.Command(name, args...),
		out:    make(chan string, 1<<14),
		exited: make(chan struct{}),
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.collect(stdout)
	t.Cleanup(p.clean)
	return p
}

// command starts one of the commands of this repository.
func command(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return start(t, filepath.Join(bin, name), args...)
}

func (p *process) collect(stdout io.Reader) {
	r := bufio.NewReaderSize(stdout, 1<<16)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			p.out <- strings.TrimSuffix(line, "\n")
		}
		if err != nil {
			break
		}
	}
	close(p.out)
	_ = p.cmd.Wait()
	close(p.exited)
}

func (p *process) clean() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	for range p.out {
	}
	<-p.exited
	stderr := p.stderr.String()
	if strings.Contains(stderr, "DATA RACE") {
		p.t.Errorf("%s: a data race", p.name())
	}
	if p.t.Failed() && stderr != "" {
		p.t.Logf("standard error of %s:\n%s", p.name(), stderr)
	}
}

func (p *process) name() string { return strings.Join(p.cmd.Args, " ") }

// line returns the next line of standard output.
func (p *process) line() string {
	p.t.Helper()
	select {
	case line, ok := <-p.out:
		if !ok {
			p.t.Fatalf("%s: standard output ended", p.name())
		}
		return line
	case <-time.After(patience):
		p.t.Fatalf("%s: no line on standard output within %v", p.name(), patience)
	}
	panic("unreachable")
}

// rest returns the lines up to the end of standard output.
func (p *process) rest() []string {
	p.t.Helper()
	var lines []string
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.out:
			if !ok {
				return lines
			}
			lines = append(lines, line)
		case <-timeout:
			p.t.Fatalf("%s: standard output did not end within %v", p.name(), patience)
		}
	}
}

// say writes a line to standard input.
func (p *process) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Fatalf("%s: standard input: %v", p.name(), err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end of the process and checks its status.
func (p *process) exit(status int) {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s: still running after %v", p.name(), patience)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("%s: exit status %d, want %d", p.name(), got, status)
	}
}

// A transcript collects what a process writes while others look at it.
type transcript struct {
	mu  sync.Mutex
	buf strings.Builder
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

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// listening reads the line with which every server of this repository says
// where it is, and returns HOST:PORT.
func (p *process) listening(scheme string) string {
	p.t.Helper()
	line := p.line()
	host, ok := strings.CutPrefix(line, "listening on "+scheme+"://")
	if !ok || host == "" {
		p.t.Fatalf("%s: first line is %q", p.name(), line)
	}
	return host
}

// A server is a running server of this repository.
type server struct {
	*process
	host   string
	scheme string // ws or wss
}

// serve runs websockets serve on a free port of the loopback interface.
func serve(t *testing.T, flags ...string) server {
	t.Helper()
	return listening(t, "http", "websockets", append([]string{"serve", "--core", *core}, flags...)...)
}

// serveTLS is serve with a certificate.
func serveTLS(t *testing.T, certFile, keyFile string) server {
	t.Helper()
	return listening(t, "https", "websockets", "serve", "--core", *core, "--tls-cert", certFile, "--tls-key", keyFile)
}

// autobahnServer runs examples/autobahn/server.
func autobahnServer(t *testing.T, flags ...string) server {
	t.Helper()
	return listening(t, "http", "server", append([]string{"--core", *core}, flags...)...)
}

func listening(t *testing.T, scheme, name string, args ...string) server {
	t.Helper()
	p := command(t, name, append(args, "--addr", "127.0.0.1:0")...)
	return server{p, p.listening(scheme), "ws" + strings.TrimPrefix(scheme, "http")}
}

func (s server) url(path string) string { return s.scheme + "://" + s.host + path }

// stop interrupts the server, which then closes every connection and ends well.
func (s server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	s.exit(0)
}
