//go:build unix && !linux

package tcp

import "syscall"

func read(fd int, p []byte) (int, error)  { return syscall.Read(fd, p) }
func write(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }

func writeLast(fd int, p []byte) (int, error) { return write(fd, p) }

func hasInput(fd int) bool {
	var p [1]byte
	_, err := ignoringEINTR(peek, uintptr(fd), p[:])
	return err != syscall.EAGAIN
}
