package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// An editor reads lines from a terminal, with a history and keys to edit them.
// What is written to it appears above the line that is being typed.
type editor struct {
	in, out     *os.File
	screen      *term.Terminal
	interrupt   func()
	interrupted bool // there was a Ctrl-C among the keys read last

	lines  chan []byte // typed and not yet sent
	err    error       // why lines was closed
	closed chan struct{}

	mu    sync.Mutex
	state *term.State // of the terminal before; nil once it is so again
}

// waiting is how many lines may be typed, or pasted, ahead of a server that
// does not take them. Beyond it keys wait in the terminal, a Ctrl-C included.
const waiting = 4096

const (
	ctrlC = 3

	pasteOff  = "\x1b[?2004l"
	eraseLine = "\r\x1b[K"
)

func newEditor(std *console, s screen, lines term.History) (*editor, error) {
	state, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return nil, err
	}
	e := &editor{
		in:        s.in,
		out:       s.out,
		interrupt: std.interrupt,
		lines:     make(chan []byte, waiting),
		closed:    make(chan struct{}),
		state:     state,
	}
	std.editor.Store(e)
	e.screen = term.NewTerminal(keysAndScreen{e}, "> ")
	e.screen.History = lines
	e.screen.SetBracketedPasteMode(true)
	e.resize()
	go e.read()
	return e, nil
}

var errEscape = errors.New("an escape sequence without an end")

// keysAndScreen is the terminal as the line editing sees it.
type keysAndScreen struct{ *editor }

func (k keysAndScreen) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, errEscape // the line editing would ask again, for ever
	}
	n, err := k.in.Read(p)
	if n > 0 {
		k.interrupted = bytes.IndexByte(p[:n], ctrlC) >= 0
		k.resize()
	}
	return n, err
}

func (k keysAndScreen) Write(p []byte) (int, error) { return k.out.Write(p) }

// read reads lines until the end of the input.
func (e *editor) read() {
	defer close(e.lines)
	defer e.close()
	for {
		line, err := e.screen.ReadLine()
		if err != nil && err != term.ErrPasteIndicator {
			e.err = err
			if err == io.EOF && e.interrupted {
				e.err = errInterrupted
				e.interrupt()
			}
			return
		}
		select {
		case e.lines <- []byte(line):
		case <-e.closed:
			e.err = errInterrupted
			return
		}
	}
}

func (e *editor) next() ([]byte, error) {
	line, ok := <-e.lines
	if !ok {
		return nil, e.err
	}
	return line, nil
}

// Write prints whole lines.
func (e *editor) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == nil {
		return e.out.Write(p)
	}
	e.resize()
	return e.screen.Write(p)
}

// close makes the terminal what it was. What was being typed is erased, as it
// is not sent.
func (e *editor) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == nil {
		return
	}
	io.WriteString(e.out, pasteOff+eraseLine)
	term.Restore(int(e.in.Fd()), e.state)
	e.state = nil
	close(e.closed)
}

// resize follows the size of the window.
func (e *editor) resize() {
	width, height, err := term.GetSize(int(e.out.Fd()))
	if err == nil && width > 0 {
		e.screen.SetSize(width, height)
	}
}
