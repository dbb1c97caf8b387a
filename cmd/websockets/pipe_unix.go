//go:build unix

package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// errNoReader is the error of a write to a pipe that nobody reads any more.
const errNoReader = syscall.EPIPE

// surviveClosedPipe has such a write fail, and not end the process.
func surviveClosedPipe() { signal.Ignore(syscall.SIGPIPE) }

// onReaderGone calls f when out is a pipe that nobody reads any more, which a
// write would tell late, or never.
func onReaderGone(out io.Writer, f func()) {
	pipe, ok := out.(*os.File)
	if !ok {
		return
	}
	info, err := pipe.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	poll := []unix.PollFd{{Fd: int32(pipe.Fd())}}
	go func() {
		for {
			_, err := unix.Poll(poll, -1)
			if err == unix.EINTR {
				continue
			}
			if err == nil && poll[0].Revents&unix.POLLERR != 0 {
				f()
			}
			return
		}
	}()
}
