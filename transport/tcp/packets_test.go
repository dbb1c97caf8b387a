//go:build !windows

package tcp_test

import (
	"net"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/transport/tcp"
)

func TestFromConnRefusesPackets(t *testing.T) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := tcp.FromConn(c, nil); err == nil || !strings.Contains(err.Error(), "not a byte stream") {
		t.Errorf("FromConn = %v; want that it is not a byte stream", err)
	}
}
