package tcp_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A lender of one buffer.
type slice []byte

func (s slice) Borrow() []byte { return s }
func (s slice) Return()        {}

func lend(n int) transport.Lender { return make(slice, n) }

func TestBufferedBytesComeFirst(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	buffered := []byte("read ahead")
	s, err := tcp.FromConn(near, buffered)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	clear(buffered) // the stream has a copy
	go far.Write([]byte(", then the rest"))

	p := make([]byte, 4)
	if !s.Readable() {
		t.Error("not Readable with bytes buffered")
	}
	if n, err := s.TryRead(p); string(p[:n]) != "read" || err != nil {
		t.Errorf("TryRead = %q, %v", p[:n], err)
	}
	if n, err := s.AwaitRead(slice(p)); string(p[:n]) != " ahe" || err != nil {
		t.Errorf("AwaitRead = %q, %v", p[:n], err)
	}
	p = make([]byte, 100)
	if n, err := s.TryRead(p); string(p[:n]) != "ad" || err != nil {
		t.Errorf("TryRead = %q, %v", p[:n], err)
	}
	if n, err := s.AwaitRead(slice(p)); string(p[:n]) != ", then the rest" || err != nil {
		t.Errorf("AwaitRead = %q, %v", p[:n], err)
	}
}

func TestBufferedContract(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
		client, server := connect(t, "tcp", anyPort)
		adopted, err := tcp.FromConn(server.NetConn(), []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := adopted.TryRead(make([]byte, 10)); n != 1 || err != nil {
			t.Fatalf("TryRead of the buffered byte = %d, %v", n, err)
		}
		return client, adopted
	})
}

func TestFromConnClearsDeadlines(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	defer client.Abort()
	c := server.NetConn()
	c.SetDeadline(time.Unix(1, 0))
	s, err := tcp.FromConn(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	if err := s.AwaitWrite(); err != nil {
		t.Errorf("AwaitWrite = %v", err)
	}
}

// A type that embeds a socket has its descriptor as well, and must be read all
// the same through its own Read.
func TestFromConnDoesNotBypassAWrapper(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	defer client.Abort()
	s := adopt(t, shouting{server.NetConn().(*net.TCPConn)})
	defer s.Abort()
	client.TryWrite([]byte("hello"))
	p := make([]byte, 10)
	if n, err := s.AwaitRead(slice(p)); string(p[:n]) != "HELLO" || err != nil {
		t.Errorf("AwaitRead = %q, %v", p[:n], err)
	}
}

type shouting struct{ *net.TCPConn }

func (c shouting) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	copy(p, strings.ToUpper(string(p[:n])))
	return n, err
}

// net/http hands over the connection and what it has read ahead.
func TestHijacked(t *testing.T) {
	upgrade := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
		s, err := tcp.FromConn(c, ahead)
		if err != nil {
			t.Error(err)
			return
		}
		if _, ok := s.ConnectionState(); ok != (r.TLS != nil) {
			t.Errorf("ConnectionState is there: %v; the request had TLS: %v", ok, r.TLS != nil)
		}
		go echo(s)
	})
	for _, start := range []func(*httptest.Server){(*httptest.Server).Start, (*httptest.Server).StartTLS} {
		server := httptest.NewUnstartedServer(upgrade)
		start(server)
		t.Run(server.URL[:5], func(t *testing.T) {
			defer server.Close()
			c := dialServer(t, server)
			defer c.Close()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nsent with the request")
			reply := make([]byte, len("sent with the request, and later"))
			if _, err := io.ReadFull(c, reply[:21]); err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, ", and later")
			if _, err := io.ReadFull(c, reply[21:]); err != nil {
				t.Fatal(err)
			}
			if string(reply) != "sent with the request, and later" {
				t.Errorf("echo = %q", reply)
			}
		})
	}
}

func dialServer(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	addr := server.Listener.Addr().String()
	if server.TLS == nil {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// echo sends back what it reads until the end, then closes.
func echo(s *tcp.Stream) {
	defer s.Close()
	buf := make([]byte, 64<<10)
	var l transport.Lender = slice(buf)
	for {
		n, err := s.AwaitRead(l)
		if err != nil || send(s, buf[:n]) != nil {
			return
		}
	}
}

// send writes all of p.
func send(s *tcp.Stream, p []byte) error {
	for len(p) > 0 {
		n, err := s.TryWrite(p)
		p = p[n:]
		if errors.Is(err, transport.ErrWouldBlock) {
			err = s.AwaitWrite()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
