package tcp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// silent accepts a connection of a client that says nothing.
func silent(t *testing.T, timeout time.Duration) (client net.Conn, server *tcp.Stream, l *tcp.Listener) {
	t.Helper()
	config, _ := configs(tls.VersionTLS13)
	l, err := tcp.ListenTLS("tcp", anyPort, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.HandshakeTimeout = timeout
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Abort() })
	return client, server, l
}

func TestSlowHandshakeDoesNotHoldUpAccept(t *testing.T) {
	_, _, l := silent(t, 0)
	_, config := configs(tls.VersionTLS13)
	dialled := make(chan error, 1)
	go func() {
		c, err := tcp.DialTLS(t.Context(), "tcp", l.Addr().String(), config)
		if err == nil {
			c.Close()
		}
		dialled <- err
	}()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := <-dialled; err != nil {
		t.Error(err)
	}
}

func TestDuringTheHandshake(t *testing.T) {
	client, s, _ := silent(t, 0)
	if _, err := s.TryRead(make([]byte, 1)); err != transport.ErrWouldBlock {
		t.Errorf("TryRead = %v; want ErrWouldBlock", err)
	}
	if _, err := s.TryWrite([]byte("x")); err != transport.ErrWouldBlock {
		t.Errorf("TryWrite = %v; want ErrWouldBlock", err)
	}
	if s.Readable() {
		t.Error("Readable")
	}
	if _, ok := s.ConnectionState(); ok {
		t.Error("ConnectionState is there")
	}
	if err := s.CloseWrite(); err == nil {
		t.Error("CloseWrite worked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Handshake(ctx); err != context.Canceled {
		t.Errorf("Handshake = %v; want context.Canceled", err)
	}
	go func() { time.Sleep(time.Millisecond); s.KickRead(); s.KickWrite() }()
	if _, err := s.AwaitRead(lend(1)); err != transport.ErrKicked {
		t.Errorf("AwaitRead = %v; want ErrKicked", err)
	}
	if err := s.AwaitWrite(); err != transport.ErrKicked {
		t.Errorf("AwaitWrite = %v; want ErrKicked", err)
	}
	s.KickRead() // for the wait after the handshake
	s.KickWrite()

	_, config := configs(tls.VersionTLS13)
	config.ServerName = "127.0.0.1"
	if err := tls.Client(client, config).Handshake(); err != nil {
		t.Fatalf("the handshake after all that: %v", err)
	}
	if err := s.Handshake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AwaitRead(lend(1)); err != transport.ErrKicked {
		t.Errorf("AwaitRead = %v; want the kick from before", err)
	}
	if err := s.AwaitWrite(); err != transport.ErrKicked {
		t.Errorf("AwaitWrite = %v; want the kick from before", err)
	}
	if err := s.AwaitWrite(); err != nil {
		t.Errorf("AwaitWrite = %v", err)
	}
}

func TestHandshakeTimeout(t *testing.T) {
	client, s, _ := silent(t, 10*time.Millisecond)
	if err := s.AwaitWrite(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AwaitWrite = %v; want context.DeadlineExceeded", err)
	}
	if _, err := s.AwaitRead(lend(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AwaitRead = %v; want context.DeadlineExceeded", err)
	}
	if !s.Readable() {
		t.Error("not Readable: TryRead would return an error")
	}
	if n, err := client.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("the client read %d, %v; want the end", n, err)
	}
}

func TestCloseDuringTheHandshake(t *testing.T) {
	_, s, _ := silent(t, 0)
	waited := make(chan error, 2)
	go func() { _, err := s.AwaitRead(lend(1)); waited <- err }()
	go func() { waited <- s.AwaitWrite() }()
	time.Sleep(time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-waited; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a wait ended with %v; want net.ErrClosed", err)
		}
	}
}

func TestPlainHTTPToATLSPort(t *testing.T) {
	client, s, _ := silent(t, 0)
	io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	line, _ := bufio.NewReader(client).ReadString('\n')
	if !strings.HasPrefix(line, "HTTP/1.0 400 ") {
		t.Errorf("the client was answered %q", line)
	}
	if err := s.Handshake(t.Context()); err == nil {
		t.Error("Handshake returned nil")
	}
}

func TestDialTLSHonoursTheContext(t *testing.T) {
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := tcp.DialTLS(ctx, "tcp", l.Addr().String(), nil); !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("DialTLS = %v; want that the deadline has passed", err)
	}
}

func TestDialTLSVerifiesTheName(t *testing.T) {
	server, client := configs(tls.VersionTLS13)
	l, err := tcp.ListenTLS("tcp", anyPort, server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	go func() {
		if s, err := l.Accept(); err == nil {
			s.Handshake(context.Background())
			s.Abort()
		}
	}()
	_, err = tcp.DialTLS(t.Context(), "tcp", "localhost:"+port, client) // the certificate names 127.0.0.1
	var wrong *tls.CertificateVerificationError
	if !errors.As(err, &wrong) {
		t.Errorf("DialTLS = %v; want a CertificateVerificationError", err)
	}
}

func TestALPN(t *testing.T) {
	client, server := connectTLS(t, tls.VersionTLS13)
	defer client.Close()
	defer server.Close()
	for _, s := range []*tcp.Stream{client, server} {
		state, ok := s.ConnectionState()
		if !ok || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("ConnectionState: %v, protocol %q; want http/1.1", ok, state.NegotiatedProtocol)
		}
		if _, ok := s.NetConn().(*tls.Conn); !ok {
			t.Errorf("NetConn is a %T", s.NetConn())
		}
	}
}

func TestWithoutTLS(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	defer client.Close()
	defer server.Close()
	if err := server.Handshake(t.Context()); err != nil {
		t.Errorf("Handshake = %v", err)
	}
	if _, ok := server.ConnectionState(); ok {
		t.Error("ConnectionState is there")
	}
	if client.LocalAddr().String() != server.RemoteAddr().String() {
		t.Errorf("the client's address is %v, its peer's peer's %v", client.LocalAddr(), server.RemoteAddr())
	}
}

func TestListenerClose(t *testing.T) {
	l, err := tcp.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v; want net.ErrClosed", err)
	}
}

// TLS over what is not a socket goes through the pump.
func TestTLSOverAnyListener(t *testing.T) {
	server, clientConfig := configs(tls.VersionTLS13)
	inner, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	l := tcp.NewListener(wrapping{inner}, server)
	defer l.Close()
	go func() {
		if s, err := l.Accept(); err == nil {
			echo(s)
		}
	}()
	s, err := tcp.DialTLS(t.Context(), "tcp", l.Addr().String(), clientConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	if err := send(s, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if n, err := s.AwaitRead(slice(p)); string(p[:n]) != "hello" || err != nil {
		t.Errorf("AwaitRead = %q, %v", p[:n], err)
	}
}

type wrapping struct{ net.Listener }

func (l wrapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}
