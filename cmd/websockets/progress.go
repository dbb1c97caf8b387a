package main

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// A progress is a line that is written over again and again, on a terminal only.
type progress struct {
	file   *os.File // nil where there is no terminal
	ticker *time.Ticker
	last   time.Time
}

// progressPeriod is how often the line changes at most.
const progressPeriod = 200 * time.Millisecond

func newProgress(w io.Writer) *progress {
	file, ok := terminal(w)
	if !ok || !takesEscapes(file) {
		return &progress{}
	}
	return &progress{file: file, ticker: time.NewTicker(progressPeriod)}
}

// ticks tells when the line should change.
func (p *progress) ticks() <-chan time.Time {
	if p.ticker == nil {
		return nil
	}
	return p.ticker.C
}

// show shows a line, cut to the width of the terminal.
func (p *progress) show(text string) {
	if p.file == nil || time.Since(p.last) < progressPeriod/2 {
		return
	}
	p.last = time.Now()
	io.WriteString(p.file, "\r"+text[:min(len(text), columnsOf(p.file)-1)]+"\x1b[K")
}

// clear removes the line.
func (p *progress) clear() {
	if p.file != nil {
		io.WriteString(p.file, "\r\x1b[K")
		p.last = time.Time{}
	}
}

// columnsOf returns the width of the terminal that w is, 120 if it is none.
func columnsOf(w io.Writer) int {
	if file, ok := terminal(w); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 120
}
