//go:build linux && (386 || race)

package tcp

import (
	"net/netip"
	"syscall"
)

func shutdown(fd int) error { return syscall.Shutdown(fd, syscall.SHUT_WR) }

func closeDescriptor(fd int) { syscall.Close(fd) }

func accept4(listener int) (fd int, peer netip.AddrPort, err error) {
	fd, a, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	if err != nil {
		return -1, peer, err
	}
	return fd, addrPort(a), nil
}
