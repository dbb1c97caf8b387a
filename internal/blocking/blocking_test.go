package blocking

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/fb1e3c20/websockets/internal/leak"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

func TestMain(m *testing.M) { leak.Main(m) }

// pair returns a Conn and what it is connected to.
func pair(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := tcp.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Abort(); peer.Close() })
	return New(s).(*Conn), peer
}

func TestMoreThanTheSocketTakesGoesBothWays(t *testing.T) {
	c, peer := pair(t)
	go func() {
		io.Copy(peer, peer)
		peer.Close()
	}()
	sent := make([]byte, 8<<20)
	rand.Read(sent)
	wrote := make(chan error, 1)
	go func() {
		n, err := c.Write(sent)
		if n != len(sent) {
			err = errors.Join(err, io.ErrShortWrite)
		}
		wrote <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("read %v, equal: %t", err, bytes.Equal(got, sent))
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestCloseEndsBothWaits(t *testing.T) {
	for _, end := range []func(*Conn) error{(*Conn).Close, (*Conn).Abort} {
		c, _ := pair(t)
		over := make(chan error, 2)
		go func() {
			_, err := c.Read(make([]byte, 1))
			over <- err
		}()
		go func() {
			_, err := c.Write(make([]byte, 64<<20))
			over <- err
		}()
		end(c)
		for range 2 {
			if err := <-over; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v; want %v", err, net.ErrClosed)
			}
		}
	}
}

func TestTheEnd(t *testing.T) {
	c, peer := pair(t)
	peer.Close()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d, %v; want the end", n, err)
	}
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
}
