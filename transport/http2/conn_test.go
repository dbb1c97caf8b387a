package http2_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport/http2"
)

func TestAServerWithoutExtendedConnect(t *testing.T) {
	client, server := connected(t)
	p := newPeer(t, server)
	c, err := p.greet(client, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Val: 5})
	if c != nil || !errors.Is(err, http2.ErrNoExtendedConnect) {
		t.Errorf("NewConn = %v, %v", c, err)
	}
	p.expect(h2.FrameSettings)
	p.expectGoodbye(h2.ErrCodeNo)
}

// What servers may begin with in place of SETTINGS.
func TestServersThatBeginWrongly(t *testing.T) {
	for _, test := range []struct {
		name  string
		begin func(p *peer)
		want  string
	}{
		{"HTTP/1.1", func(p *peer) { io.WriteString(p.conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "perhaps it does not speak HTTP/2"},
		{"PING", func(p *peer) { p.WritePing(false, [8]byte{}) }, "PING, not SETTINGS"},
		{"SETTINGS, ACK", func(p *peer) { p.WriteSettingsAck() }, "SETTINGS, not SETTINGS"},
		{"GOAWAY", func(p *peer) { p.WriteGoAway(0, h2.ErrCodeEnhanceYourCalm, nil) }, "GOAWAY, not SETTINGS"},
		{"HEADERS that are malformed", func(p *peer) { p.header(1, false, "X", "y") }, "stream 1"},
		{"nothing", func(p *peer) { p.conn.(*net.TCPConn).CloseWrite() }, "unexpected EOF"},
		{"half of it", func(p *peer) { p.conn.Write([]byte{0, 0, 6, 4}); p.conn.(*net.TCPConn).CloseWrite() }, "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := connected(t)
			test.begin(newPeer(t, server))
			c, err := http2.NewConn(t.Context(), client)
			if c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("NewConn = %v, %v; want an error with %q", c, err, test.want)
			}
			io.Copy(io.Discard, server) // the client ends it
		})
	}
}

func TestASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := http2.NewConn(ctx, client); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("NewConn: %v", err)
		}
		synctest.Wait()
		if _, err := server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection was not closed: %v", err)
		}
	})
}

// The request is taken back, and the connection lives on.
func TestASilentServerAfterTheRequest(t *testing.T) {
	c, p := meet(t)
	reserve(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	id, result := begin(t, ctx, c, p, "/")
	cancel()
	p.expectReset(id, h2.ErrCodeCancel)
	if o := finished(t, result); !errors.Is(o.err, context.Canceled) {
		t.Errorf("OpenStream = %+v", o)
	}
	p.header(id, false, ":status", "200") // too late
	accept(t, c, p)
}

func TestAContextThatHasEnded(t *testing.T) {
	c, p := meet(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.OpenStream(ctx, request("/")); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenStream: %v", err)
	}
	p.expectGoodbye(h2.ErrCodeNo)
}

// A request that the server has no ear for can be taken back as well.
func TestARequestThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := meetUnbuffered(t)
		s := accept(t, c, p)
		s.TryWrite(make([]byte, 10)) // which the server does not read
		synctest.Wait()
		reserve(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if _, _, err := c.OpenStream(ctx, request("/")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("OpenStream: %v", err)
		}
		p.expect(h2.FrameData)
		reserve(t, c)
		go c.OpenStream(t.Context(), request("/next"))
		next := p.expect(h2.FrameHeaders).(*h2.MetaHeadersFrame)
		if next.StreamID != 3 || next.PseudoValue("path") != "/next" {
			t.Errorf("the next request is %v, for %s", next, next.PseudoValue("path"))
		}
	})
}

// A connection on which nothing comes takes no more streams; one on which something
// comes, if no answer, does.
func TestAConnectionThatIsDoubted(t *testing.T) {
	for _, lives := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c, p := meetUnbuffered(t)
			accept(t, c, p)
			reserve(t, c)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if lives {
				go func() {
					p.expect(h2.FrameHeaders)
					p.WritePing(false, [8]byte{1})
					p.expect(h2.FramePing)
				}()
			} else {
				go p.expect(h2.FrameHeaders)
			}
			_, _, err := c.OpenStream(ctx, request("/"))
			if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "nothing has come") == lives {
				t.Errorf("lives %t: %v", lives, err)
			}
			if c.Reserve() != lives {
				t.Errorf("lives %t: a place for another stream: %t", lives, !lives)
			}
			c.Abort()
		})
	}
}

func TestPlaces(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Val: 2})
	reserve(t, c)
	if c.Reserve() {
		t.Error("a third place of two")
	}
	first, second := accept(t, c, p), accept(t, c, p)
	if c.Reserve() {
		t.Error("a third place of two, both taken")
	}
	if _, _, err := c.OpenStream(t.Context(), request("/")); err == nil || !strings.Contains(err.Error(), "Reserve") {
		t.Errorf("OpenStream without a place: %v", err)
	}
	first.Abort()
	p.expectReset(1, h2.ErrCodeCancel)
	reserve(t, c)

	p.WriteSettings(h2.Setting{ID: h2.SettingMaxConcurrentStreams, Val: 1})
	p.expect(h2.FrameSettings)
	_, _, err := c.OpenStream(t.Context(), request("/"))
	matches(t, "OpenStream when the server allows fewer", err, http2.ErrRefused, "lowered")
	if c.Reserve() {
		t.Error("a second place of one")
	}
	second.Abort()
	p.expectReset(3, h2.ErrCodeCancel)
	p.expectGoodbye(h2.ErrCodeNo)
	await(t, "the end", c.Done())
	if err := c.Err(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Err = %v", err)
	}
}

func TestNumbersRunOut(t *testing.T) {
	c, p := meet(t)
	c.SetLastID(1<<31 - 5)
	reserve(t, c)
	if c.Reserve() {
		t.Error("a place for a stream with the number 2^31+1")
	}
	if first, last := accept(t, c, p).ID(), accept(t, c, p).ID(); first != 1<<31-3 || last != 1<<31-1 {
		t.Errorf("the last numbers are %d and %d", first, last)
	}
	if c.Reserve() {
		t.Error("a place after the last")
	}
}

// The connection ends when both sides have ended the last stream, however they do.
func TestTheLastStreamEndsTheConnection(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(p *peer, s *http2.Stream)
	}{
		{"closed here, then there", func(p *peer, s *http2.Stream) {
			s.Close()
			p.expect(h2.FrameData)
			p.WriteData(1, true, nil)
		}},
		{"ended there, then closed here", func(p *peer, s *http2.Stream) {
			p.WriteData(1, true, nil)
			readAll(s)
			s.Close()
			p.expect(h2.FrameData)
		}},
		{"ended there with trailers", func(p *peer, s *http2.Stream) {
			p.header(1, true, "a", "b")
			readAll(s)
			s.CloseWrite()
			p.expect(h2.FrameData)
		}},
		{"reset there", func(p *peer, s *http2.Stream) { p.WriteRSTStream(1, h2.ErrCodeNo) }},
		{"aborted here", func(p *peer, s *http2.Stream) {
			s.Abort()
			p.expectReset(1, h2.ErrCodeCancel)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			s := accept(t, c, p)
			if c.Err() != nil {
				t.Errorf("Err = %v while it lives", c.Err())
			}
			test.end(p, s)
			p.expectGoodbye(h2.ErrCodeNo)
			await(t, "the end", c.Done())
			if err := c.Err(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Err = %v", err)
			}
		})
	}
}

// A server that does not end the connection is not waited for.
func TestAServerThatDoesNotSayGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		c, p := meetOn(t, halfCloser{client}, server)
		s := accept(t, c, p)
		s.Abort()
		p.expectReset(1, h2.ErrCodeCancel)
		p.expect(h2.FrameGoAway)
		start := time.Now()
		<-c.Done()
		if d := time.Since(start); d != time.Second {
			t.Errorf("the connection ended after %v", d)
		}
	})
}

// A halfCloser pretends to end its output.
type halfCloser struct{ net.Conn }

func (halfCloser) CloseWrite() error { return nil }

// Close waits five seconds for the server's end.
func TestAServerThatDoesNotEndAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := meetUnbuffered(t)
		s := accept(t, c, p)
		start := time.Now()
		s.Close()
		if f := p.expect(h2.FrameData).(*h2.DataFrame); !f.StreamEnded() {
			t.Errorf("the client sent %v", f)
		}
		p.expectReset(1, h2.ErrCodeCancel)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the stream was reset after %v", d)
		}
		p.expectGoodbye(h2.ErrCodeNo)
	})
}

func TestGoAway(t *testing.T) {
	c, p := meet(t)
	reserve(t, c)
	reserve(t, c)
	s := accept(t, c, p)
	id, result := begin(t, t.Context(), c, p, "/")
	p.check(p.WriteGoAway(1, h2.ErrCodeNo, []byte("restarting")))
	o := finished(t, result)
	matches(t, "OpenStream of a request that was left out", o.err, http2.ErrRefused, "shutting down")
	if id != 3 || c.Reserve() {
		t.Error("there is a place on a connection that the server will end")
	}
	_, _, err := c.OpenStream(t.Context(), request("/"))
	matches(t, "OpenStream on a place that was held before", err, http2.ErrRefused, "shutting down")

	p.WriteData(1, false, []byte("alive"))
	if got, err := read(s, 5); string(got) != "alive" || err != nil {
		t.Errorf("the stream that was not left out: %q, %v", got, err)
	}
	s.Close()
	p.expect(h2.FrameData)
	p.WriteData(1, true, nil)
	p.expectGoodbye(h2.ErrCodeNo)
}

func TestGoAwayWithAnError(t *testing.T) {
	c, p := meet(t)
	s := accept(t, c, p)
	p.WriteData(1, false, []byte("before"))
	p.WriteGoAway(1, h2.ErrCodeEnhanceYourCalm, []byte("too many\npings"))
	got, err := readAll(s)
	if e := h2.ConnectionError(0); string(got) != "before" || !asError(err, &e) || h2.ErrCode(e) != h2.ErrCodeEnhanceYourCalm ||
		!strings.Contains(err.Error(), `"too many\npings"`) {
		t.Errorf("read %q, %v", got, err)
	}
	await(t, "the end", c.Done())
}

func TestALostConnection(t *testing.T) {
	c, p := meet(t)
	reserve(t, c)
	s := accept(t, c, p)
	_, result := begin(t, t.Context(), c, p, "/")
	p.WriteData(1, false, []byte("before"))
	p.conn.Close()
	got, err := readAll(s)
	o := finished(t, result)
	if string(got) != "before" {
		t.Errorf("read %q", got)
	}
	_, writeErr := s.TryWrite([]byte("x"))
	for _, err := range []error{err, writeErr, s.CloseWrite(), s.AwaitWrite(), o.err, c.Err()} {
		if err == nil || err == io.EOF || errors.Is(err, net.ErrClosed) || errors.Is(err, http2.ErrRefused) || !strings.Contains(err.Error(), "lost") {
			t.Errorf("the error is %v", err)
		}
	}
	await(t, "the end", c.Done())
}

func TestAbort(t *testing.T) {
	c, p := meet(t)
	reserve(t, c)
	s := accept(t, c, p)
	_, result := begin(t, t.Context(), c, p, "/")
	c.Abort()
	await(t, "the end", c.Done())
	c.Abort()
	_, err := readAll(s)
	for _, err := range []error{err, finished(t, result).err, c.Err()} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("the error is %v", err)
		}
	}
	if _, _, err := c.OpenStream(t.Context(), request("/")); err == nil {
		t.Error("OpenStream worked")
	}
}

// Resets after which what came before can be read.
func TestResets(t *testing.T) {
	for _, test := range []struct {
		name    string
		reset   func(p *peer)
		inOrder bool
		code    h2.ErrCode
	}{
		{"CANCEL", func(p *peer) { p.WriteRSTStream(1, h2.ErrCodeCancel) }, false, h2.ErrCodeCancel},
		{"REFUSED_STREAM", func(p *peer) { p.WriteRSTStream(1, h2.ErrCodeRefusedStream) }, false, h2.ErrCodeRefusedStream},
		{"GOAWAY that leaves it out", func(p *peer) { p.WriteGoAway(0, h2.ErrCodeNo, nil) }, false, 0},
		{"an unknown code", func(p *peer) { p.WriteRSTStream(1, 0xbeef) }, false, 0xbeef},
		{"NO_ERROR", func(p *peer) { p.WriteRSTStream(1, h2.ErrCodeNo) }, true, h2.ErrCodeNo},
		{"NO_ERROR after END_STREAM", func(p *peer) { p.WriteData(1, true, nil); p.WriteRSTStream(1, h2.ErrCodeNo) }, true, h2.ErrCodeNo},
		{"CANCEL after END_STREAM", func(p *peer) { p.WriteData(1, true, nil); p.WriteRSTStream(1, h2.ErrCodeCancel) }, true, h2.ErrCodeCancel},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			s := accept(t, c, p)
			p.WriteData(1, false, []byte("before"))
			test.reset(p)
			p.expectGoodbye(h2.ErrCodeNo)
			got, err := readAll(s)
			if string(got) != "before" {
				t.Errorf("read %q", got)
			}
			_, writeErr := s.TryWrite([]byte("x"))
			text := test.code.String()
			if strings.HasPrefix(test.name, "GOAWAY") {
				text = "shutting down"
			}
			matches(t, "TryWrite", writeErr, http2.ErrAborted, text)
			if test.inOrder {
				if err != nil {
					t.Errorf("the input ended with %v", err)
				}
				return
			}
			matches(t, "reading", err, http2.ErrAborted, text)
		})
	}
}

// Over TLS, with the server of net/http.
func TestTLS(t *testing.T) {
	certificate, pool := newCertificate(t)
	addr := serveTLS(t, certificate, echo)
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := http2.NewConn(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	reserve(t, c)
	r := request("/")
	r.URL.Scheme = "https"
	s, response, err := c.OpenStream(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	state, ok := s.ConnectionState()
	if !ok || state.NegotiatedProtocol != "h2" || response.TLS == nil || response.TLS.NegotiatedProtocol != "h2" {
		t.Errorf("ConnectionState = %+v, %t; of the response: %+v", state, ok, response.TLS)
	}
	if s.LocalAddr().String() != conn.LocalAddr().String() || s.RemoteAddr().String() != addr {
		t.Errorf("from %v to %v", s.LocalAddr(), s.RemoteAddr())
	}
	if err := writeAll(s, []byte("hello")); err != nil {
		t.Error(err)
	}
	if got, err := read(s, 5); string(got) != "hello" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	s.Close()
	await(t, "the end", c.Done())
}

func newCertificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}
