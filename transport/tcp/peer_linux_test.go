package tcp

import (
	"net/netip"
	"testing"
	"unsafe"
)

func TestSizeOfPolled(t *testing.T) {
	if n := unsafe.Sizeof(polled{}); n > 80 {
		t.Errorf("a socket takes %d bytes, more than 80", n)
	}
}

func TestRemoteAddrOfPolled(t *testing.T) {
	for _, want := range []string{"127.0.0.1:80", "[::1]:443", "[fe80::1%eth0]:65535", "[::]:1"} {
		s := &polled{}
		s.setRemote(netip.MustParseAddrPort(want))
		if got := s.RemoteAddr().String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := (&polled{}).RemoteAddr().String(); got != ":0" {
		t.Errorf("%s of a socket of an unknown kind", got)
	}
}
