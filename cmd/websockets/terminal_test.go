//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A teletype is a pseudo-terminal with a command on it.
type teletype struct {
	t      *testing.T
	keys   *os.File // its other side
	tty    *os.File
	before unix.Termios
	glass  *glass
	status chan int
}

// startOnTerminal runs a command on a terminal of 80 columns.
func startOnTerminal(t *testing.T, args ...string) *teletype {
	t.Helper()
	return startOnTerminalWith(t, "", args...)
}

// startOnTerminalWith sets a variable of the environment, NAME=VALUE, before.
func startOnTerminalWith(t *testing.T, variable string, args ...string) *teletype {
	t.Helper()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if name, value, ok := strings.Cut(variable, "="); ok {
		t.Setenv(name, value)
	}
	if os.Getenv("XDG_STATE_HOME") == "" {
		t.Setenv("XDG_STATE_HOME", t.TempDir())
	}
	e := &teletype{t: t, glass: &glass{columns: columns}, status: make(chan int, 1)}
	e.keys, e.tty = openTerminal(t)
	e.before = e.settings()
	ctx, interrupt := context.WithCancel(context.Background())
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buf := make([]byte, 4096)
		for {
			n, err := e.keys.Read(buf)
			if err != nil {
				return
			}
			e.glass.Write(buf[:n])
		}
	}()
	go func() {
		e.status <- run(ctx, args, &console{stdin: e.tty, stdout: e.tty, stderr: e.tty, interrupt: interrupt})
	}()
	t.Cleanup(func() {
		interrupt()
		e.keys.Close()
		<-shown
		e.tty.Close()
		if t.Failed() {
			t.Logf("the terminal:\n%s", e.glass)
		}
	})
	return e
}

// openTerminal returns the two sides of a pseudo-terminal.
func openTerminal(t *testing.T) (keys, tty *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal("these tests need pseudo-terminals: ", err)
	}
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
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	setWidth(t, tty, columns)
	return keys, tty
}

func setWidth(t *testing.T, tty *os.File, columns int) {
	t.Helper()
	size := &unix.Winsize{Row: 24, Col: uint16(columns)}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
}

func (e *teletype) settings() unix.Termios {
	e.t.Helper()
	s, err := unix.IoctlGetTermios(int(e.tty.Fd()), unix.TCGETS)
	if err != nil {
		e.t.Fatal(err)
	}
	return *s
}

func (e *teletype) press(keys string) {
	e.t.Helper()
	if _, err := e.keys.WriteString(keys); err != nil {
		e.t.Fatal(err)
	}
}

// shows waits until the last rows, without the empty ones below, are these.
func (e *teletype) shows(rows ...string) {
	e.t.Helper()
	want := strings.Join(rows, "\n")
	for range 2000 {
		if strings.HasSuffix("\n"+e.glass.String(), "\n"+want) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	e.t.Fatalf("the terminal shows\n%s\nand should end with\n%s", e.glass, want)
}

// has waits until some row is this.
func (e *teletype) has(row string) {
	e.t.Helper()
	e.contains("\n" + row + "\n")
}

// contains waits until some text is shown.
func (e *teletype) contains(text string) {
	e.t.Helper()
	for range 2000 {
		if strings.Contains("\n"+e.glass.String()+"\n", text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	e.t.Fatalf("the terminal shows\n%s\nand should have\n%s", e.glass, text)
}

// loses waits until some text is shown no more.
func (e *teletype) loses(text string) {
	e.t.Helper()
	for range 2000 {
		if !strings.Contains(e.glass.String(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	e.t.Fatalf("the terminal shows\n%s\nand should not have\n%s", e.glass, text)
}

// exits waits for the end, and checks the status and that the terminal is as
// it was.
func (e *teletype) exits(status int) {
	e.t.Helper()
	select {
	case got := <-e.status:
		if got != status {
			e.t.Errorf("exit status %d, want %d", got, status)
		}
	case <-time.After(10 * time.Second):
		e.t.Fatal("it does not end")
	}
	if e.settings() != e.before {
		e.t.Errorf("the terminal was left as %+v, and was %+v", e.settings(), e.before)
	}
}

const columns = 80

// glass is what a terminal shows: it obeys what the line editing writes.
type glass struct {
	mu      sync.Mutex
	columns int
	all     strings.Builder
	rows    [][]rune
	x, y    int
	pending []byte // an escape sequence that is not complete
}

func (g *glass) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all.Write(p)
	text := append(g.pending, p...)
	for len(text) > 0 {
		n := g.step(text)
		if n == 0 {
			break
		}
		text = text[n:]
	}
	g.pending = append([]byte(nil), text...)
	return len(p), nil
}

// step takes one character or sequence and returns its length, 0 if it is not
// complete.
func (g *glass) step(text []byte) int {
	switch {
	case text[0] == '\r':
		g.x = 0
	case text[0] == '\n':
		g.y++
	case text[0] == '\b':
		g.x = max(g.x-1, 0)
	case text[0] == '\x1b':
		end := strings.IndexFunc(string(text), func(r rune) bool {
			return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		})
		if end < 0 {
			return 0
		}
		g.obey(string(text[2:end]), text[end])
		return end + 1
	case text[0] >= 0xc0:
		n := 2
		if text[0] >= 0xf0 {
			n = 4
		} else if text[0] >= 0xe0 {
			n = 3
		}
		if len(text) < n {
			return 0
		}
		g.put([]rune(string(text[:n]))[0])
		return n
	default:
		g.put(rune(text[0]))
	}
	return 1
}

func (g *glass) put(r rune) {
	if g.x == g.columns {
		g.x, g.y = 0, g.y+1
	}
	for len(g.rows) <= g.y {
		g.rows = append(g.rows, nil)
	}
	for len(g.rows[g.y]) <= g.x {
		g.rows[g.y] = append(g.rows[g.y], ' ')
	}
	g.rows[g.y][g.x] = r
	g.x++
}

func (g *glass) obey(number string, what byte) {
	n := 1
	fmt.Sscan(number, &n)
	switch what {
	case 'A':
		g.y = max(g.y-n, 0)
	case 'B':
		g.y += n
	case 'C':
		g.x = min(g.x+n, g.columns)
	case 'D':
		g.x = max(min(g.x, g.columns-1)-n, 0)
	case 'K':
		if g.y < len(g.rows) && g.x < len(g.rows[g.y]) {
			g.rows[g.y] = g.rows[g.y][:g.x]
		}
	}
}

// String returns what is seen, without blanks at the ends of rows and below.
func (g *glass) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var b strings.Builder
	for _, row := range g.rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// written is all that was written to the terminal.
func (g *glass) written() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all.String()
}
