package http3_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

func TestTheRequestAndTheResponse(t *testing.T) {
	got := make(chan *http.Request, 1)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r
		w.Header().Set("X-Answer", "yes")
		if s, err := takeStream(w); err == nil {
			s.Close()
		}
	}), nil)
	r := request(s.addr, "/chat/%2f?q=a b&ü")
	r.Host = "example.com"
	r.Header = http.Header{"Cookie": {"a=b"}, "Connection": {"Upgrade"}, "X-Many": {"1", "2"}}
	stream, response, err := (&http3.Dialer{}).OpenStream(t.Context(), r, clientTLS())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	sent := <-got
	if sent.Method != "CONNECT" || sent.Proto != "websocket" || sent.Host != "example.com" || sent.RequestURI != "/chat/%2f?q=a%20b&%C3%BC" {
		t.Errorf("the server got %s %s for %s%s", sent.Method, sent.Proto, sent.Host, sent.RequestURI)
	}
	want := http.Header{"Cookie": {"a=b"}, "X-Many": {"1", "2"}, "Sec-Websocket-Version": {"13"}}
	if fmt.Sprint(sent.Header) != fmt.Sprint(want) {
		t.Errorf("the server got the fields %v; want %v", sent.Header, want)
	}
	if len(r.Header) != 3 {
		t.Errorf("the request was changed: %v", r.Header)
	}
	if response.Proto != "HTTP/3.0" || response.ProtoMajor != 3 || response.StatusCode != 200 || response.Status != "200 OK" ||
		response.Header.Get("X-Answer") != "yes" || response.Request != r || response.TLS.NegotiatedProtocol != "h3" {
		t.Errorf("response: %+v", response)
	}
	if n, err := response.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("its body: %d, %v", n, err)
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	slow := make(chan struct{})
	defer close(slow)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case "/long":
			http.Error(w, long, http.StatusForbidden)
		case "/slow":
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "the rest comes la")
			http.NewResponseController(w).Flush()
			select {
			case <-slow:
			case <-r.Context().Done():
			}
		case "/redirect":
			http.Redirect(w, r, "/short", http.StatusFound)
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		case "/chatter":
			for range 100 {
				w.WriteHeader(http.StatusProcessing)
			}
		}
	}), nil)
	d := &http3.Dialer{}
	for _, test := range []struct {
		path   string
		status int
		body   string
	}{
		{"/short", 401, "who are you?\n"},
		{"/long", 403, long[:4<<10]},
		{"/slow", 503, "the rest comes la"},
		{"/redirect", 302, ""},
		{"/early", 404, ""},
	} {
		start := time.Now()
		stream, response, err := d.OpenStream(t.Context(), request(s.addr, test.path), clientTLS())
		if stream != nil || err != nil {
			t.Errorf("%s: %v, %v", test.path, stream, err)
			continue
		}
		body, err := io.ReadAll(response.Body)
		if response.StatusCode != test.status || string(body) != test.body || err != nil {
			t.Errorf("%s: %s, %d bytes %.40q, %v; want %d and %d bytes", test.path, response.Status, len(body), body, err, test.status, len(test.body))
		}
		if d := time.Since(start); d > 5*time.Second || test.path == "/slow" && d < 900*time.Millisecond {
			t.Errorf("%s: it took %v", test.path, d)
		}
	}
	if _, _, err := d.OpenStream(t.Context(), request(s.addr, "/chatter"), clientTLS()); err == nil || !strings.Contains(err.Error(), "more than 10 informational") {
		t.Errorf("/chatter: %v", err)
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections; want 1", n)
	}
}

func TestSocketsShareAConnection(t *testing.T) {
	s := serve(t, nil, nil)
	d := &http3.Dialer{}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			stream, _, err := d.OpenStream(t.Context(), request(s.addr, "/"), clientTLS())
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { stream.Abort() })
			quictest.Write(t, stream, "x")
		})
	}
	all.Wait()
	for range 100 {
		if got, err := quictest.Read(s.accept(t), 1); got != "x" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections for 100 sockets; want 1", n)
	}
	other := quictest.ClientTLS() // of another pool of roots
	stream, _, err := d.OpenStream(t.Context(), request(s.addr, "/"), other)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Abort()
	if n := s.conns.Load(); n != 2 {
		t.Errorf("%d connections; want another one for another configuration", n)
	}
}

// A connection goes with its last socket, and the server is told in order.
func TestAConnectionEndsWithItsLastSocket(t *testing.T) {
	ended := make(chan error, 10)
	s := serve(t, nil, func(s *h3.Server) {
		s.ConnContext = func(ctx context.Context, c *quicgo.Conn) context.Context {
			context.AfterFunc(c.Context(), func() { ended <- context.Cause(c.Context()) })
			return ctx
		}
	})
	d := &http3.Dialer{}
	a, a2 := open(t, d, s)
	b, b2 := open(t, d, s)
	a.Close()
	a2.Close()
	quictest.Write(t, b, "still there")
	if got, err := quictest.Read(b2, 11); got != "still there" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	quictest.Write(t, b, "the last word")
	b.CloseWrite()
	b2.Close()
	b.Close()
	select {
	case err := <-ended:
		if e, ok := errors.AsType[*quicgo.ApplicationError](err); !ok || !e.Remote || e.ErrorCode != quicgo.ApplicationErrorCode(h3.ErrCodeNoError) {
			t.Errorf("the server was told %v; want H3_NO_ERROR", err)
		}
	case <-time.After(quictest.Patience):
		t.Error("the connection did not end")
	}
}

// When the server allows no more streams on a connection, there is another one.
func TestAFullConnection(t *testing.T) {
	for range 5 { // calls meet in different ways
		s := serve(t, nil, func(s *h3.Server) { s.QUICConfig = &quicgo.Config{MaxIncomingStreams: 3} })
		d := &http3.Dialer{}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				stream, _, err := d.OpenStream(t.Context(), request(s.addr, "/"), clientTLS())
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { stream.Abort() })
			})
		}
		quictest.Within(t, "10 sockets", all.Wait)
		if n := s.conns.Load(); n != 4 {
			t.Errorf("%d connections for 10 sockets, 3 on each; want 4", n)
		}
	}
}

// A connection that was full has room again when one of its sockets has ended.
func TestAConnectionThatWasFull(t *testing.T) {
	s := serve(t, nil, func(s *h3.Server) { s.QUICConfig = &quicgo.Config{MaxIncomingStreams: 1} })
	d := &http3.Dialer{}
	client, server := open(t, d, s)
	first := client.LocalAddr().String()
	open(t, d, s) // on another one
	eventually(t, "a socket on the first connection", func() bool {
		client.Close()
		server.Close()
		client, server = open(t, d, s)
		return client.LocalAddr().String() == first
	})
}

func TestAThousandSocketsOneAfterTheOther(t *testing.T) {
	s := serve(t, nil, nil)
	d := &http3.Dialer{}
	for i := range 1000 {
		client, server := open(t, d, s)
		quictest.Write(t, client, "x")
		switch i % 3 {
		case 0:
			client.Close()
			server.Close()
		case 1:
			server.Close()
			client.Close()
		case 2:
			client.Abort()
			server.Abort()
		}
	}
	if n := s.conns.Load(); n > 10 {
		t.Errorf("%d connections", n)
	}
}

// A call that gives up leaves the connection and the others alone.
func TestGivingUp(t *testing.T) {
	silent := make(chan struct{})
	var gone atomic.Int32
	s := newServer()
	s.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/silent" {
			s.take(w, r)
			return
		}
		silent <- struct{}{}
		<-r.Context().Done()
		_, err := r.Body.Read(make([]byte, 1))
		if e, ok := errors.AsType[*h3.Error](err); ok && e.ErrorCode == h3.ErrCodeRequestCanceled {
			gone.Add(1)
		}
		silent <- struct{}{}
	}), nil)
	d := &http3.Dialer{}
	client, server := open(t, d, s)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-silent
		cancel()
	}()
	if _, _, err := d.OpenStream(ctx, request(s.addr, "/silent"), clientTLS()); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenStream = %v; want the error of the context", err)
	}
	<-silent
	if gone.Load() != 1 {
		t.Error("the request was not cancelled with H3_REQUEST_CANCELLED")
	}
	if _, _, err := d.OpenStream(ctx, request(s.addr, "/silent"), clientTLS()); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenStream with a context that has ended: %v", err)
	}
	quictest.Write(t, client, "still there")
	if got, err := quictest.Read(server, 11); got != "still there" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	client.Abort()
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections; want 1", n)
	}
}

// The context of OpenStream is for opening alone.
func TestTheContextEndsAfterOpening(t *testing.T) {
	s := serve(t, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	client, _, err := (&http3.Dialer{}).OpenStream(ctx, request(s.addr, "/"), clientTLS())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	time.Sleep(10 * time.Millisecond) // for what must not come
	quictest.Write(t, client, "still there")
	server := s.accept(t)
	if got, err := quictest.Read(server, 11); got != "still there" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	client.Abort()
}

func TestServersWithoutWebSockets(t *testing.T) {
	t.Parallel()
	http09 := quictest.ServerTLS()
	http09.NextProtos = []string{"hq"}
	other, err := quicgo.ListenAddr(quictest.AnyPort, http09, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	raw, err := quic.Listen(quictest.AnyPort, quictest.ServerTLS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Abort() })
	nobody, err := net.ListenPacket("udp", quictest.AnyPort) // who never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nobody.Close() })
	good := serve(t, nil, nil)
	isTimeout := func(err error) bool { e, ok := errors.AsType[net.Error](err); return ok && e.Timeout() }
	for _, test := range []struct {
		name  string
		addr  net.Addr
		tls   *tls.Config
		right func(error) bool // nil: any
		text  string
	}{
		{"no TLS", good.addr, nil, nil, "the URL must begin with wss"},
		{"another protocol", other.Addr(), clientTLS(), nil, "the server there does not speak HTTP/3"},
		{"WebSockets without HTTP", raw.Addr(), clientTLS(), nil, "the server there does not speak HTTP/3"},
		{"a certificate of nobody known", good.addr, &tls.Config{},
			func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok }, "certificate"},
		{"the wrong name", good.addr, &tls.Config{RootCAs: clientTLS().RootCAs, ServerName: "example.com"},
			func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok }, "example.com"},
		{"nobody", nobody.LocalAddr(), clientTLS(), isTimeout, "cannot connect"},
		{"no extended CONNECT", rawServer(t, noConnectFrame, idle), clientTLS(),
			func(err error) bool { return errors.Is(err, http3.ErrNoExtendedConnect) }, "ENABLE_CONNECT_PROTOCOL"},
		{"no settings at all", rawServer(t, "", idle), clientTLS(),
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, "waiting for the server's settings"},
		{"settings, and then silence", rawServer(t, settingsFrame, idle), clientTLS(),
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, "waiting for the response"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			d := &http3.Dialer{Config: &quicgo.Config{HandshakeIdleTimeout: time.Second}}
			stream, response, err := d.OpenStream(ctx, request(test.addr, "/"), test.tls)
			if stream != nil || response != nil || err == nil {
				t.Fatalf("OpenStream = %v, %v, %v", stream, response, err)
			}
			if !strings.Contains(err.Error(), test.text) || test.right != nil && !test.right(err) || errors.Is(err, net.ErrClosed) {
				t.Errorf("OpenStream: %v", err)
			}
		})
	}
}

// What must not be on a server's control stream, or who must not end it.
func TestServersThatBreakTheProtocol(t *testing.T) {
	for _, test := range []struct {
		name string
		h    func(*quicgo.Conn)
		code h3.ErrCode
		text string
	}{
		{"no settings first", func(c *quicgo.Conn) { sendUni(t, c, "\x00"+goAwayFrame) }, h3.ErrCodeMissingSettings, "before its settings"},
		{"endless settings", func(c *quicgo.Conn) { sendUni(t, c, "\x00\x04\x80\x00\x20\x01") }, h3.ErrCodeExcessiveLoad, "8193 bytes"},
		{"cut settings", func(c *quicgo.Conn) { sendUni(t, c, "\x00\x04\x01\x08") }, h3.ErrCodeFrameError, "in the middle of one"},
		{"the value 2", func(c *quicgo.Conn) { sendUni(t, c, "\x00\x04\x02\x08\x02") }, h3.ErrCodeSettingsError, "with the value 2"},
		{"a setting of HTTP/2", func(c *quicgo.Conn) { sendUni(t, c, "\x00\x04\x02\x03\x01") }, h3.ErrCodeSettingsError, "one of HTTP/2"},
		{"a setting twice", func(c *quicgo.Conn) { sendUni(t, c, "\x00\x04\x04\x08\x01\x08\x01") }, h3.ErrCodeSettingsError, "twice"},
		{"the end", func(c *quicgo.Conn) { sendUni(t, c, "\x00").Close() }, h3.ErrCodeClosedCriticalStream, "the end of its control stream"},
		{"the end after settings", func(c *quicgo.Conn) { sendUni(t, c, settingsFrame).Close() }, h3.ErrCodeClosedCriticalStream, "the end of its control stream"},
		{"settings again", func(c *quicgo.Conn) { sendUni(t, c, settingsFrame+"\x04\x00") }, h3.ErrCodeFrameUnexpected, "a frame of type 0x4"},
		{"data", func(c *quicgo.Conn) { sendUni(t, c, settingsFrame+"\x00\x01x") }, h3.ErrCodeFrameUnexpected, "a frame of type 0x0"},
		{"two control streams", func(c *quicgo.Conn) { sendUni(t, c, settingsFrame); sendUni(t, c, settingsFrame) }, h3.ErrCodeStreamCreationError, "a second control stream"},
		{"a push", func(c *quicgo.Conn) { sendUni(t, c, settingsFrame); sendUni(t, c, "\x01") }, h3.ErrCodeIDError, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			told := make(chan error, 1)
			addr := rawServer(t, "", func(c *quicgo.Conn) {
				test.h(c)
				idle(c)
				told <- context.Cause(c.Context())
			})
			ctx, cancel := context.WithTimeout(t.Context(), quictest.Patience)
			defer cancel()
			stream, response, err := (&http3.Dialer{}).OpenStream(ctx, request(addr, "/"), clientTLS())
			if stream != nil || response != nil || err == nil || !strings.Contains(err.Error(), test.text) || errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				t.Errorf("OpenStream = %v, %v, %v", stream, response, err)
			}
			if e, ok := errors.AsType[*quicgo.ApplicationError](<-told); !ok || !e.Remote || e.ErrorCode != quicgo.ApplicationErrorCode(test.code) {
				t.Errorf("the server was told %v; want %v", e, test.code)
			}
		})
	}
}

// Unknown frames, settings and streams, and types in more bytes than they need, are
// no reason to complain.
func TestServersThatSayMore(t *testing.T) {
	addr := rawServer(t, "", func(c *quicgo.Conn) {
		sendUni(t, c, "\x21greased").Close()
		sendUni(t, c, "\x02")
		sendUni(t, c, "\x03")
		sendUni(t, c, "\x40\x00"+"\x04\x06\x21\x05\x08\x01\x33\x00"+"\x21\x03abc"+"\x03\x01\x00")
		s, err := c.AcceptStream(context.Background())
		if err != nil {
			return
		}
		s.Write([]byte("\x01\x03\x00\x00\xd9" + "\x21\x02ab" + "\x00\x02hi")) // HEADERS with :status 200, an unknown frame, DATA
		s.Close()
		idle(c)
	})
	stream, response, err := (&http3.Dialer{}).OpenStream(t.Context(), request(addr, "/"), clientTLS())
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("OpenStream: %v, %v", response, err)
	}
	if got, err := quictest.ReadAll(stream); got != "hi" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	stream.Abort()
}

// No request goes to a connection that has sent GOAWAY.
func TestNoRequestAfterGoAway(t *testing.T) {
	var conns atomic.Int32
	addr := rawServer(t, "", func(c *quicgo.Conn) {
		conns.Add(1)
		control := sendUni(t, c, settingsFrame)
		for n := 0; ; n++ {
			s, err := c.AcceptStream(context.Background())
			if err != nil {
				return
			}
			s.Write([]byte("\x01\x03\x00\x00\xd9"))
			if n == 0 {
				control.Write([]byte("\x07\x01\x04")) // only the first request is served
				continue
			}
			s.Close()
			go io.Copy(io.Discard, s)
		}
	})
	d := &http3.Dialer{}
	keep := dial(t, d, addr)
	eventually(t, "a request elsewhere", func() bool {
		dial(t, d, addr).Abort()
		return conns.Load() == 2
	})
	quictest.Write(t, keep, "still there")
}

// Sockets outlive a GOAWAY, and later ones go elsewhere.
func TestAServerThatGoesAway(t *testing.T) {
	s := serve(t, nil, nil)
	d := &http3.Dialer{}
	client, server := open(t, d, s)
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	eventually(t, "a dial elsewhere", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, _, err := d.OpenStream(ctx, request(s.addr, "/"), clientTLS())
		return err != nil && strings.Contains(err.Error(), "cannot connect")
	})
	quictest.Write(t, server, "the last word")
	server.CloseWrite()
	if got, err := quictest.ReadAll(client); got != "the last word" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	quictest.Write(t, client, "the very last word")
	client.Close()
	if got, err := quictest.ReadAll(server); got != "the very last word" || err != nil {
		t.Errorf("the server read %q, %v", got, err)
	}
	server.Close()
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestAServerThatCloses(t *testing.T) {
	s := serve(t, nil, nil)
	client, server := open(t, &http3.Dialer{}, s)
	s.Close()
	if _, err := quictest.ReadAll(client); !errors.Is(err, http3.ErrAborted) || errors.Is(err, net.ErrClosed) {
		t.Errorf("the client reads %v; want ErrAborted", err)
	}
	if _, err := quictest.ReadAll(server); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the server reads %v; want net.ErrClosed", err)
	}
	client.Abort()
	server.Abort()
}

// A request that was refused without a look is asked again, elsewhere, once.
func TestRequestsThatAreRejected(t *testing.T) {
	var conns atomic.Int32
	addr := rawServer(t, settingsFrame, func(c *quicgo.Conn) {
		n := conns.Add(1)
		for {
			s, err := c.AcceptStream(context.Background())
			if err != nil {
				return
			}
			if n == 2 {
				s.Write([]byte("\x01\x03\x00\x00\xd9"))
				continue
			}
			s.CancelRead(quicgo.StreamErrorCode(h3.ErrCodeRequestRejected))
			s.CancelWrite(quicgo.StreamErrorCode(h3.ErrCodeRequestRejected))
		}
	})
	d := &http3.Dialer{}
	stream, response, err := d.OpenStream(t.Context(), request(addr, "/"), clientTLS())
	if err != nil || response.StatusCode != 200 || conns.Load() != 2 {
		t.Fatalf("OpenStream: %v, %v; %d connections, want 2", response, err, conns.Load())
	}
	stream.Abort()
	d = &http3.Dialer{}
	if _, _, err := d.OpenStream(t.Context(), request(addr, "/"), clientTLS()); !errors.Is(err, http3.ErrRefused) || conns.Load() != 4 {
		t.Errorf("OpenStream: %v, after %d connections; want ErrRefused and 4", err, conns.Load())
	}
}

// Dialers that wait for the one that dials share its connection, or its failure.
func TestManyDialAtOnce(t *testing.T) {
	nobody, err := net.ListenPacket("udp", quictest.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	d := &http3.Dialer{Config: &quicgo.Config{HandshakeIdleTimeout: 100 * time.Millisecond}}
	start := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, _, err := d.OpenStream(t.Context(), request(nobody.LocalAddr(), "/"), clientTLS())
			if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
				t.Errorf("OpenStream: %v; want a timeout", err)
			}
		})
	}
	all.Wait()
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("20 failed in %v, as if one after the other", d)
	}
}
