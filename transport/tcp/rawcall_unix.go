//go:build unix && (!linux || 386 || race)

package tcp

import "syscall"

// The race detector hears of reads and writes from package syscall alone, and 386 has not
// the system calls.

func read(fd int, p []byte) (int, error)  { return syscall.Read(fd, p) }
func write(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }

func writeLast(fd int, p []byte) (int, error) { return write(fd, p) }

func hasInput(fd int) bool {
	var p [1]byte
	_, err := ignoringEINTR(peek, uintptr(fd), p[:])
	return err != syscall.EAGAIN
}
