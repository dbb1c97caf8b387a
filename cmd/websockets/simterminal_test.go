//go:build linux

package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// On a terminal a line tells how far the search is, and is gone at the end.
func TestSimOnATerminal(t *testing.T) {
	keys, tty := openTerminal(t)
	defer keys.Close()
	defer tty.Close()
	var shown transcript
	read := make(chan struct{})
	go func() {
		io.Copy(&shown, keys)
		close(read)
	}()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"sim", "--runs", "100000000"}, &console{stdin: tty, stdout: tty, stderr: tty})
	}()
	for !strings.Contains(shown.String(), "of 100000000 runs") {
		select {
		case got := <-status:
			t.Fatalf("it ended with status %d:\n%s", got, &shown)
		case <-time.After(10 * time.Millisecond):
		}
	}
	interrupt()
	if got := <-status; got != statusInterrupted {
		t.Errorf("status %d", got)
	}
	tty.Close()
	<-read
	_, searched, _ := strings.Cut(shown.String(), "of 100000000 runs")
	_, after, _ := strings.Cut(searched, "\r\x1b[K")
	if !strings.HasPrefix(after, "interrupted after ") || !strings.Contains(after, "no failure") {
		t.Errorf("after the line:\n%q", after)
	}
	for part := range strings.SplitSeq(shown.String(), "\r") {
		if line, ok := strings.CutSuffix(part, "\x1b[K"); ok && len(line) >= columns {
			t.Errorf("the line is %d wide: %q", len(line), line)
		}
	}
}
