//go:build !386 && !race

package tcp

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"
)

// mostRaw is how many bytes a system call may move of which the scheduler does not know: it
// can neither preempt the goroutine nor lend its processor meanwhile, some
// microseconds. That saves more than a tenth of an echo of 16 bytes (bench -scenario
// pingpong): a goroutine in a system call may lose its processor, and must find one.
const mostRaw = 64 << 10

func read(fd int, p []byte) (int, error) {
	if len(p) > mostRaw {
		return syscall.Read(fd, p)
	}
	return rawCall(syscall.SYS_RECVFROM, fd, p, 0)
}

func write(fd int, p []byte) (int, error) {
	if len(p) > mostRaw {
		return syscall.Write(fd, p)
	}
	return rawCall(syscall.SYS_SENDTO, fd, p, syscall.MSG_NOSIGNAL)
}

// rawCall never waits, not even where somebody has taken the descriptor out of non-blocking
// mode, as os.File.Fd does with a duplicate: nothing would go on in the process then.
func rawCall(call uintptr, fd int, p []byte, flags uintptr) (int, error) {
	n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags|syscall.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// writeLast writes what the end of the output follows: the system waits for that, and
// sends both together.
func writeLast(fd int, p []byte) (int, error) {
	if len(p) > mostRaw {
		return syscall.Write(fd, p)
	}
	return rawCall(syscall.SYS_SENDTO, fd, p, msgMore|syscall.MSG_NOSIGNAL)
}

// msgMore is MSG_MORE, which package syscall lacks.
const msgMore = 0x8000

// hasInput reports whether read would return something. It takes little of the stack.
func hasInput(fd int) bool {
	var p [1]byte
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p)), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	return errno != syscall.EAGAIN && errno != syscall.EINTR
}

// shutdown and closeDescriptor do not wait.

func shutdown(fd int) error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(fd), syscall.SHUT_WR, 0); errno != 0 {
		return errno
	}
	return nil
}

func closeDescriptor(fd int) { syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

// accept4 accepts a connection in non-blocking mode, and returns the peer's address. It
// allocates nothing where syscall.Accept4 does. The scheduler knows of it: it waits if somebody
// has taken the listener's descriptor out of non-blocking mode.
func accept4(listener int) (fd int, peer netip.AddrPort, err error) {
	var a syscall.RawSockaddrAny
	size := uint32(syscall.SizeofSockaddrAny)
	n, _, errno := syscall.Syscall6(syscall.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&a)), uintptr(unsafe.Pointer(&size)),
		syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, peer, errno
	}
	return int(n), peerOf(&a), nil
}

func peerOf(a *syscall.RawSockaddrAny) netip.AddrPort {
	switch a.Addr.Family {
	case syscall.AF_INET:
		in := (*syscall.RawSockaddrInet4)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), networkOrder(in.Port))
	case syscall.AF_INET6:
		in := (*syscall.RawSockaddrInet6)(unsafe.Pointer(a))
		return addrPort6(in.Addr, networkOrder(in.Port), in.Scope_id)
	}
	return netip.AddrPort{}
}

func networkOrder(port uint16) uint16 {
	var p [2]byte
	binary.NativeEndian.PutUint16(p[:], port)
	return binary.BigEndian.Uint16(p[:])
}
