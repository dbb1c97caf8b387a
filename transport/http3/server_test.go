package http3_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

type taker interface {
	TakeStream() (transport.Stream, error)
}

// roundTrip sends a request as an HTTP/3 client that knows nothing of WebSockets.
func roundTrip(t testing.TB, addr net.Addr, change func(*http.Request)) (status int, body string) {
	t.Helper()
	client := &h3.Transport{TLSClientConfig: clientTLS()}
	defer client.Close()
	r := request(addr, "/").WithContext(t.Context())
	change(r)
	response, err := client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(p)
}

// Only requests for WebSockets are touched.
func TestOtherRequests(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, takes := w.(taker)
		_, streams := w.(h3.HTTPStreamer)
		if takes || !streams {
			t.Errorf("%s %s: the ResponseWriter is a %T", r.Method, r.Proto, w)
		}
		io.WriteString(w, r.Method+" "+r.Proto)
	}), nil)
	for want, change := range map[string]func(*http.Request){
		"GET HTTP/3.0":       func(*http.Request) {},
		"CONNECT HTTP/3.0":   func(r *http.Request) { r.Method, r.Proto = "CONNECT", "" },
		"CONNECT connect-ip": func(r *http.Request) { r.Method, r.Proto = "CONNECT", "connect-ip" },
	} {
		if status, body := roundTrip(t, s.addr, change); status != 200 || body != want {
			t.Errorf("%d %q; want %q", status, body, want)
		}
	}
}

// A handler that does not take the stream answers as it likes, with all that the
// ResponseWriter of the http3 package has.
func TestAHandlerThatTakesNothing(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(h3.Settingser); !ok {
			t.Error("no Settings")
		}
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
		c.Flush()
		io.Copy(w, r.Body)
	}), nil)
	client := dial(t, &http3.Dialer{}, s.addr)
	quictest.Write(t, client, "an echo")
	client.CloseWrite()
	if got, err := quictest.ReadAll(client); got != "an echo" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestTakeStreamTooEarlyOrTooLate(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := w.(taker).TakeStream(); err == nil || !strings.Contains(err.Error(), "after WriteHeader(200)") {
			t.Errorf("TakeStream before the answer: %v", err)
		}
		w.WriteHeader(http.StatusForbidden)
		if _, err := w.(taker).TakeStream(); err == nil || !strings.Contains(err.Error(), "the status is 403") {
			t.Errorf("TakeStream after a refusal: %v", err)
		}
		io.WriteString(w, "no")
	}), nil)
	_, response, err := (&http3.Dialer{}).OpenStream(t.Context(), request(s.addr, "/"), clientTLS())
	if err != nil || response.StatusCode != 403 {
		t.Errorf("OpenStream: %v, %v", response, err)
	}
}

func TestInformationalResponsesBeforeTheStream(t *testing.T) {
	s := newServer()
	s.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		s.take(w, r)
	}), nil)
	client, server := open(t, &http3.Dialer{}, s)
	quictest.Write(t, server, "hi")
	if got, err := quictest.Read(client, 2); got != "hi" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestTheDefaultMuxIsLookedUpLate(t *testing.T) {
	before := http.DefaultServeMux
	t.Cleanup(func() { http.DefaultServeMux = before })
	s := newServer()
	s.Server = &h3.Server{TLSConfig: quictest.ServerTLS()}
	http3.ConfigureServer(s.Server)
	http.DefaultServeMux = http.NewServeMux()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the mux of now") })
	s.start(t)
	if status, body := roundTrip(t, s.addr, func(*http.Request) {}); status != 200 || body != "the mux of now" {
		t.Errorf("%d %q", status, body)
	}
}

func TestConfigureServer(t *testing.T) {
	s := &h3.Server{}
	http3.ConfigureServer(s)
	c := s.QUICConfig
	if c.KeepAlivePeriod != quic.DefaultKeepAlivePeriod || c.MaxIdleTimeout != quic.DefaultMaxIdleTimeout ||
		c.MaxIncomingStreams != quic.DefaultMaxIncomingStreams || c.MaxStreamReceiveWindow != quic.DefaultStreamWindow ||
		c.InitialConnectionReceiveWindow < 1000*quic.DefaultStreamWindow || c.MaxIncomingUniStreams != 0 || c.Allow0RTT {
		t.Errorf("the defaults are %+v", c)
	}
	if s.IdleTimeout != quic.DefaultMaxIdleTimeout {
		t.Errorf("IdleTimeout = %v", s.IdleTimeout)
	}
	mine := &quicgo.Config{KeepAlivePeriod: -1, MaxIncomingStreams: 7, MaxIncomingUniStreams: -1, Allow0RTT: true,
		GetConfigForClient: func(*quicgo.ClientInfo) (*quicgo.Config, error) {
			return &quicgo.Config{MaxIncomingUniStreams: 1}, nil
		}}
	s = &h3.Server{QUICConfig: mine, IdleTimeout: -1}
	http3.ConfigureServer(s)
	c = s.QUICConfig
	if c.KeepAlivePeriod != 0 || c.MaxIncomingStreams != 7 || c.MaxIncomingUniStreams != 3 || c.Allow0RTT || s.IdleTimeout != -1 {
		t.Errorf("with a configuration of mine: %+v, IdleTimeout %v", c, s.IdleTimeout)
	}
	if mine.MaxIncomingUniStreams != -1 {
		t.Error("mine was changed")
	}
	chosen, err := c.GetConfigForClient(nil)
	if err != nil || chosen.MaxIncomingUniStreams != 3 || chosen.KeepAlivePeriod != quic.DefaultKeepAlivePeriod {
		t.Errorf("for a client: %+v, %v", chosen, err)
	}
}

// A connection without requests does not stay for ever, kept alive by our own end.
func TestAnIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, func(s *h3.Server) {
		s.IdleTimeout = time.Second
		s.QUICConfig = &quicgo.Config{KeepAlivePeriod: 100 * time.Millisecond}
	})
	config := clientTLS()
	config.NextProtos = []string{"h3"}
	c, err := quicgo.DialAddr(t.Context(), s.addr.String(), config, nil)
	if err != nil {
		t.Fatal(err)
	}
	quictest.Await(t, "the end of a connection without requests", c.Context().Done())

	client, server := open(t, &http3.Dialer{}, s)
	time.Sleep(1500 * time.Millisecond) // longer than that
	quictest.Write(t, client, "one with a socket lives")
	if got, err := quictest.Read(server, 23); got != "one with a socket lives" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestServeQUICConn(t *testing.T) {
	s := newServer()
	s.Server = &h3.Server{Handler: http.HandlerFunc(s.take)}
	http3.ConfigureServer(s.Server)
	l, err := quicgo.ListenAddr(quictest.AnyPort, h3.ConfigureTLSConfig(quictest.ServerTLS()), s.QUICConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.addr = l.Addr()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept(context.Background())
		if err == nil {
			err = s.ServeQUICConn(c)
		}
		served <- err
	}()
	client, server := open(t, &http3.Dialer{}, s)
	quictest.Write(t, client, "hi")
	if got, err := quictest.Read(server, 2); got != "hi" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	client.Abort()
	server.Abort()
	if err := <-served; err != nil {
		t.Errorf("ServeQUICConn: %v", err)
	}
}
