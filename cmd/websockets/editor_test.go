//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

const (
	up        = "\x1b[A"
	down      = "\x1b[B"
	left      = "\x1b[D"
	backspace = "\x7f"
	enter     = "\r"
	ctrlD     = "\x04"
)

// scripted is a server of a test: what it hears can be read, what it is to say
// can be written.
type scripted struct {
	url   string
	heard chan string
	say   chan string
	ended chan error
}

func scriptedServer(t *testing.T) scripted {
	t.Helper()
	s := scripted{heard: make(chan string, 100), say: make(chan string, 100), ended: make(chan error, 10)}
	s.url = answering(t, func(ctx context.Context, c *websockets.Conn) error {
		go s.speak(ctx, c)
		for {
			_, p, err := c.Receive(ctx)
			if err != nil {
				s.ended <- err
				return err
			}
			s.heard <- string(p)
		}
	})
	return s
}

func (s scripted) speak(ctx context.Context, c *websockets.Conn) {
	for {
		select {
		case text, ok := <-s.say:
			if !ok {
				c.Close(4001, "so long")
				return
			}
			c.Send(ctx, websockets.Text, []byte(text))
		case <-c.Done():
			return
		}
	}
}

func (s scripted) hears(t *testing.T, want string) {
	t.Helper()
	if got := <-s.heard; got != want {
		t.Fatalf("the server heard %.100q, want %.100q", got, want)
	}
}

func TestTerminalTalks(t *testing.T) {
	e := startOnTerminal(t, "connect", serve(t).url("/echo"))
	e.shows(">")
	e.press("hello" + enter)
	e.shows("> hello", "< hello", ">")
	e.press("fünf" + enter)
	e.shows("> fünf", "< fünf", ">")
	e.press(ctrlD)
	e.exits(statusOK)
	e.has("closed: 1000 normal closure")
	e.contains("sent 2 messages, 10 bytes; received 2 messages, 10 bytes; ")
}

func TestTerminalEdits(t *testing.T) {
	s := scriptedServer(t)
	e := startOnTerminal(t, "connect", s.url)
	for _, c := range []struct{ keys, want string }{
		{"helo" + left + "l" + enter, "hello"},
		{"hellp" + backspace + "o" + enter, "hello"},
		{"lo\x01hel\x05 there" + enter, "hello there"}, // Ctrl-A, Ctrl-E
		{"one two\x17three" + enter, "one three"},      // Ctrl-W
		{"gone\x15kept" + enter, "kept"},               // Ctrl-U
		{"" + enter, ""},
		{"once" + enter, "once"},
		{up + "!" + enter, "once!"},
		{up + up + up + down + enter, "once"},
		{"under way" + up + down + "!" + enter, "under way!"},
	} {
		e.press(c.keys)
		s.hears(t, c.want)
	}
	e.press(ctrlD)
	e.exits(statusOK)
}

// What is being typed is drawn again below a message.
func TestTerminalKeepsWhatIsBeingTyped(t *testing.T) {
	s := scriptedServer(t)
	e := startOnTerminal(t, "connect", s.url)
	e.press("half a li")
	e.shows("> half a li")
	s.say <- "one"
	e.shows("< one", "> half a li")
	s.say <- "two\nlines"
	e.shows("< one", "< two", "  lines", "> half a li")
	e.press("ne" + enter)
	s.hears(t, "half a line")
	long := strings.Repeat("long ", 50)
	e.press(long)
	rows := []string{"> half a line", "> " + long[:78], long[78:158], long[158:238], strings.TrimRight(long[238:], " ")}
	e.shows(rows...)
	s.say <- "three"
	e.shows(append([]string{"> half a line", "< three"}, rows[1:]...)...)
	e.press(enter)
	s.hears(t, long)
	e.press(ctrlD)
	e.exits(statusOK)
}

func TestTerminalFollowsTheWindow(t *testing.T) {
	s := scriptedServer(t)
	e := startOnTerminal(t, "connect", s.url)
	e.shows(">")
	setWidth(t, e.tty, 40)
	e.glass.mu.Lock()
	e.glass.columns = 40
	e.glass.mu.Unlock()
	long := strings.Repeat("x", 100)
	e.press(long[1:] + "\x01y\x05")
	e.shows("> y"+long[:37], long[37:77], long[77:99])
	e.press("\x15" + long)
	e.shows("> "+long[:38], long[38:78], long[78:])
	s.say <- "one"
	e.shows("< one", "> "+long[:38], long[38:78], long[78:])
	e.press("\x03")
	e.exits(statusOK)
}

func TestTerminalCloses(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		code       websockets.CloseCode
	}{
		{"Ctrl-C", "\x03", websockets.GoingAway},
		{"Ctrl-C in a line", "half a line\x03", websockets.GoingAway},
		{"Ctrl-D", ctrlD, websockets.NormalClosure},
		{"Ctrl-D after a line", "line" + enter + ctrlD, websockets.NormalClosure},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scriptedServer(t)
			e := startOnTerminal(t, "connect", s.url)
			e.shows(">")
			e.press(c.keys)
			e.exits(statusOK)
			if code := websockets.CloseStatus(<-s.ended); code != c.code {
				t.Errorf("the server heard %v, want %v", code, c.code)
			}
		})
	}
}

// A panic leaves the terminal as it was: the test runs itself as a process that
// panics at a Ctrl-C.
func TestTerminalAfterAPanic(t *testing.T) {
	if url := os.Getenv("PANIC_AT_CTRL_C"); url != "" {
		run(t.Context(), []string{"connect", "--no-history", url}, &console{
			stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, interrupt: func() { panic("Ctrl-C") },
		})
		return
	}
	keys, tty := openTerminal(t)
	defer tty.Close()
	defer keys.Close()
	e := &teletype{t: t, keys: keys, tty: tty, glass: &glass{columns: columns}, status: make(chan int, 1)}
	e.before = e.settings()
	go io.Copy(e.glass, keys)
	cmd := exec.Command(os.Args[0], "-test.run=^TestTerminalAfterAPanic$")
	cmd.Env = append(os.Environ(), "TERM=xterm", "PANIC_AT_CTRL_C="+serve(t).url("/echo"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	e.shows(">")
	if e.settings() == e.before {
		t.Error("lines are not edited")
	}
	e.press("\x03")
	cmd.Wait()
	e.status <- cmd.ProcessState.ExitCode()
	e.exits(2)
	e.contains("panic: Ctrl-C")
}

// Nobody has to press a key when the server has closed.
func TestTerminalHearsClose(t *testing.T) {
	s := scriptedServer(t)
	e := startOnTerminal(t, "connect", s.url)
	e.press("half a line")
	e.shows("> half a line")
	s.say <- "last words"
	close(s.say)
	e.exits(statusOK)
	e.has("< last words")
	e.has(`closed by the server: 4001, "so long"`)
	e.loses(">")
}

func TestTerminalLosesTheServer(t *testing.T) {
	url := answering(t, func(ctx context.Context, c *websockets.Conn) error {
		c.Receive(ctx)
		return c.CloseNow()
	})
	e := startOnTerminal(t, "connect", url)
	e.shows(">")
	e.press("bye" + enter)
	e.exits(statusFailed)
}

// A server that takes nothing makes lines wait, and does not take Ctrl-C away.
func TestEditorIsInterruptedThoughNothingIsTaken(t *testing.T) {
	t.Setenv("TERM", "xterm")
	keys, tty := openTerminal(t)
	defer tty.Close()
	defer keys.Close()
	interrupted := make(chan struct{})
	std := &console{stdin: tty, stdout: tty, stderr: tty, interrupt: func() { close(interrupted) }}
	e, err := newEditor(std, openScreen(std), &history{})
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, keys)
	keys.WriteString(strings.Repeat("line"+enter, 1000) + "\x03")
	select {
	case <-interrupted:
	case <-time.After(10 * time.Second):
		t.Fatal("Ctrl-C was not heard")
	}
	for range 1000 {
		if line, err := e.next(); string(line) != "line" || err != nil {
			t.Fatalf("got %q, %v", line, err)
		}
	}
	if _, err := e.next(); err != errInterrupted {
		t.Errorf("got %v at the end", err)
	}
}

// What no keyboard sends ends the input, as any failure to read it does.
func TestTerminalGetsAnEndlessEscape(t *testing.T) {
	e := startOnTerminal(t, "connect", serve(t).url("/echo"))
	e.press("\x1b[" + strings.Repeat("1", 300))
	e.exits(statusFailed)
	e.has("standard input: " + errEscape.Error())
	e.has("closed: 1000 normal closure")
}

func TestTerminalTakesPastes(t *testing.T) {
	s := scriptedServer(t)
	e := startOnTerminal(t, "connect", s.url)
	e.shows(">")
	long := strings.Repeat("tab\tand text ", 1000)
	e.press("\x1b[200~" + long + "\ntwo\nthree\x1b[201~")
	s.hears(t, long)
	s.hears(t, "two")
	e.shows("> three")
	e.press(enter)
	s.hears(t, "three")
	e.press(ctrlD)
	e.exits(statusOK)
	e.has("closed: 1000 normal closure")
	on, off := strings.Index(e.glass.written(), "\x1b[?2004h"), strings.Index(e.glass.written(), pasteOff)
	if on < 0 || off < on {
		t.Errorf("pastes were marked from %d to %d", on, off)
	}
}

func TestTerminalKeepsHistory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	s := scriptedServer(t)
	talk := func(keys, hears string, flags ...string) {
		t.Helper()
		e := startOnTerminal(t, append(append([]string{"connect"}, flags...), s.url)...)
		e.press(keys + enter)
		s.hears(t, hears)
		e.press(ctrlD)
		e.exits(statusOK)
		<-s.ended
	}
	talk("first", "first")
	talk("secret", "secret", "--no-history")
	talk(up+up, "", "--no-history")
	talk(up+"!", "first!")
	file := filepath.Join(dir, "websockets", "history")
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if text, _ := os.ReadFile(file); string(text) != "first\nfirst!\n" {
		t.Errorf("the file is %q", text)
	}
}

func TestTerminalShowsJSON(t *testing.T) {
	const message = `{"a":[1,true,null],"b":{"c":"d"}}`
	indented := []string{`< {`, `    "a": [1, true, null],`, `    "b": {`, `      "c": "d"`, `    }`, `  }`, `>`}
	for _, c := range []struct {
		name, env string
		flags     []string
		colors    bool
		rows      []string
	}{
		{"plain", "", nil, true, indented},
		{"NO_COLOR", "NO_COLOR=1", nil, false, indented},
		{"NO_COLOR and always", "NO_COLOR=1", []string{"--color=always"}, true, indented},
		{"never", "", []string{"--color=never"}, false, indented},
		{"no color", "", []string{"--no-color"}, false, indented},
		{"not pretty", "", []string{"--pretty=never"}, true, []string{"< " + message, ">"}},
		{"raw", "", []string{"--raw"}, false, []string{message, ">"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scriptedServer(t)
			e := startOnTerminalWith(t, c.env, append(append([]string{"connect"}, c.flags...), s.url)...)
			s.say <- message
			e.shows(c.rows...)
			if got := strings.Contains(e.glass.written(), "m{"); got != c.colors {
				t.Errorf("colours %v, want %v: %q", got, c.colors, e.glass.written())
			}
			e.press(ctrlD)
			e.exits(statusOK)
		})
	}
}

// A message cannot command the terminal.
func TestTerminalEscapes(t *testing.T) {
	s := scriptedServer(t)
	e := startOnTerminal(t, "connect", s.url)
	s.say <- "\x1b[2Jgone\r\x07 \u009b31m \u202eabc"
	e.shows(`< \x1b[2Jgone\r\a \u009b31m \u202eabc`, ">")
	s.say <- "[\"\x7f\u009b\"]"
	e.shows(`< ["\x7f\u009b"]`, ">")
	close(s.say)
	e.exits(statusOK)
}

// A dumb terminal gets no escape sequences; lines are then edited by the kernel.
func TestDumbTerminal(t *testing.T) {
	e := startOnTerminalWith(t, "TERM=dumb", "connect", serve(t).url("/echo"))
	e.press("{}\n")
	e.has("< {}")
	e.press(ctrlD)
	e.exits(statusOK)
	if strings.Contains(e.glass.written(), "\x1b") {
		t.Errorf("escape sequences: %q", e.glass.written())
	}
}
