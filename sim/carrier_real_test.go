// WebAssembly has no sockets.
//go:build !wasm

package sim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/quic"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// A realCarrier opens streams; if lossy is true, over a network that lose has fail.
type realCarrier struct {
	carrier Carrier
	open    func(t *testing.T, lossy bool) (client, server end, lose func())
	isReset func(error) bool
}

var realCarriers = []realCarrier{
	{CarrierTCP, openTCP, isErrno},
	{CarrierTLS, openTLS, isErrno},
	{CarrierHTTP2, openHTTP2, isStreamError},
	{CarrierHTTP3, openHTTP3, is(http3.ErrAborted)},
	{CarrierQUIC, openQUIC, is(quic.ErrAborted)},
	{CarrierPipe, openPipe, is(pipe.ErrReset)},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func isErrno(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isStreamError is for both ends: net/http has an error of its own that passes for
// this one.
func isStreamError(err error) bool {
	_, ok := errors.AsType[h2.StreamError](err)
	return ok
}

// What each carrier was seen to do is what the simulator does, and stands in
// docs/simulation.md; in bold, on Linux.
func TestCarriers(t *testing.T) {
	page := readPage(t)
	carrierTable(t, page.seen().has) // all that the simulator does, before anything is in a hurry
	var mu sync.Mutex
	seen := sightings{}
	t.Run("all", func(t *testing.T) {
		for _, c := range realCarriers {
			for i := range endings {
				for _, p := range []part{{c.carrier, false}, {c.carrier, true}} {
					t.Run(fmt.Sprintf("%v/%s", p, endings[i].name), func(t *testing.T) {
						t.Parallel()
						o := c.play(t, &endings[i], p.server)
						mu.Lock()
						defer mu.Unlock()
						seen.note(t, &endings[i], p, o)
					})
				}
			}
		}
	})
	if rewriteScenarios() {
		maps.Copy(seen, page.seen())
		page.write(t, carrierTable(t, seen.has))
	} else if runtime.GOOS == "linux" {
		seen.compare(t, page.seen())
	}
}

// play returns nothing where the network cannot fail.
func (c *realCarrier) play(t *testing.T, e *ending, server bool) outcome {
	lossy := e.name == networkFails
	if lossy && c.carrier == CarrierPipe {
		return outcome{}
	}
	near, far, lose := c.open(t, lossy)
	t.Cleanup(func() { near.Abort(); far.Abort() })
	s := &trial{t: t, actor: near, other: far, lose: lose, await: awaitReally, rest: restReally, pause: func() {}, isReset: c.isReset}
	if server {
		s.actor, s.other = far, near
	}
	return e.play(s)
}

func restReally() { time.Sleep(time.Millisecond) }

func awaitReally(is func() bool) bool {
	const patience = 30 * time.Second
	for start := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			return false
		}
	}
	return true
}

// note fails the test where the simulator cannot do what was seen.
func (s sightings) note(t *testing.T, e *ending, p part, o outcome) {
	t.Helper()
	if o == (outcome{}) {
		return
	}
	if may := e.simulated(t, preset(p.carrier), p.server); !slices.Contains(may, o) {
		t.Errorf("saw %q; in the simulator it is one of %q", o, may)
	}
	s[sighting{e.name, p.carrier.String(), o.reads}] = true
	s[sighting{e.name, p.String(), o.reads}] = true
}

// compare fails the test where something was seen of a row, but nothing that is in
// bold.
func (s sightings) compare(t *testing.T, bold sightings) {
	for i := range endings {
		e := &endings[i]
		for _, row := range e.rows(t) {
			both := func(e, who, reads string) bool { return s.has(e, who, reads) && bold.has(e, who, reads) }
			if row.any(e.name, s.has) && !row.any(e.name, both) {
				t.Errorf("%s on %v: nothing was seen of what the table has in bold; -sim.rewrite adds what is seen", e.name, row.who)
			}
		}
	}
}

func preset(c Carrier) Link {
	for _, link := range presets {
		if link.Carrier == c {
			return link
		}
	}
	panic(c)
}

func openTCP(t *testing.T, lossy bool) (client, server end, lose func()) {
	l, err := tcp.Listen("tcp", anyPort)
	must(t, err)
	return openSockets(t, l, lossy, func(addr string) (*tcp.Stream, error) { return tcp.Dial(t.Context(), "tcp", addr) })
}

func openTLS(t *testing.T, lossy bool) (client, server end, lose func()) {
	l, err := tcp.ListenTLS("tcp", anyPort, serverTLS())
	must(t, err)
	return openSockets(t, l, lossy, func(addr string) (*tcp.Stream, error) {
		return tcp.DialTLS(t.Context(), "tcp", addr, clientTLS())
	})
}

func openSockets(t *testing.T, l *tcp.Listener, lossy bool, dial func(addr string) (*tcp.Stream, error)) (client, server end, lose func()) {
	t.Cleanup(func() { l.Close() })
	addr := l.Addr().String()
	if lossy {
		addr, lose = relay(t, addr)
	}
	accepted := make(chan *tcp.Stream, 1)
	go func() {
		s, err := l.Accept()
		if err == nil {
			err = s.Handshake(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
		accepted <- s
	}()
	c, err := dial(addr)
	must(t, err)
	return c, <-accepted, lose
}

func openPipe(*testing.T, bool) (client, server end, lose func()) {
	a, b := pipe.New(0)
	return a, b, nil
}

func openHTTP2(t *testing.T, lossy bool) (client, server end, lose func()) {
	l, err := net.Listen("tcp", anyPort)
	must(t, err)
	ends := make(chan *http2.HandlerStream, 1)
	s := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := http2.FromRequest(w, r)
		if err != nil {
			panic(err)
		}
		ends <- s
		<-s.Released()
	})}
	s.Protocols.SetUnencryptedHTTP2(true)
	must(t, http2.ConfigureServer(s))
	var served sync.WaitGroup
	served.Go(func() { s.Serve(l) })
	t.Cleanup(func() { s.Close(); served.Wait() })
	addr := l.Addr().String()
	if lossy {
		addr, lose = relay(t, addr)
	}
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	c, err := http2.NewConn(t.Context(), conn)
	must(t, err)
	t.Cleanup(func() { c.Abort(); <-c.Done() })
	if !c.Reserve() {
		t.Fatal("no place")
	}
	r, _ := http.NewRequest(http.MethodGet, "http://localhost/", nil)
	stream, _, err := c.OpenStream(t.Context(), r)
	must(t, err)
	return stream, <-ends, lose
}

func openQUIC(t *testing.T, lossy bool) (client, server end, lose func()) {
	network := listenUDP(t)
	config := quicConfig(lossy)
	endpoint := &quicgo.Transport{Conn: network}
	tlsConfig := serverTLS()
	tlsConfig.NextProtos = []string{quic.ALPN}
	ql, err := endpoint.Listen(tlsConfig, quic.Defaults(config))
	must(t, err)
	t.Cleanup(func() { ql.Close(); endpoint.Close() })
	l := quic.NewListener(network.LocalAddr())
	go func() {
		if c, err := ql.Accept(context.Background()); err == nil {
			l.Add(c)
		}
	}()
	t.Cleanup(func() { l.Abort(); <-l.Done() })
	c, err := quic.Dial(t.Context(), l.Addr().String(), clientTLS(), config)
	must(t, err)
	t.Cleanup(func() { c.Abort(); <-c.Done() })
	near, err := c.OpenStream(t.Context())
	must(t, err)
	near.TryWrite([]byte("?"))
	far, err := l.Accept()
	must(t, err)
	if !awaitReally(far.Readable) {
		t.Fatal("nothing arrives")
	}
	far.TryRead(make([]byte, 1))
	return near, far, network.darken
}

func quicConfig(short bool) *quicgo.Config {
	if short {
		return &quicgo.Config{MaxIdleTimeout: 3 * time.Second, KeepAlivePeriod: time.Second / 2}
	}
	return &quicgo.Config{}
}

func openHTTP3(t *testing.T, lossy bool) (client, server end, lose func()) {
	network := listenUDP(t)
	ends := make(chan end, 1)
	s := &h3.Server{TLSConfig: serverTLS(), QUICConfig: quicConfig(lossy), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		s, err := w.(interface {
			TakeStream() (transport.Stream, error)
		}).TakeStream()
		if err != nil {
			panic(err)
		}
		ends <- s
	})}
	http3.ConfigureServer(s)
	var served sync.WaitGroup
	served.Go(func() { s.Serve(network) })
	t.Cleanup(func() { s.Close(); served.Wait() })
	r, _ := http.NewRequest(http.MethodGet, "https://"+network.LocalAddr().String()+"/", nil)
	d := &http3.Dialer{Config: quicConfig(lossy)}
	near, _, err := d.OpenStream(t.Context(), r, clientTLS())
	must(t, err)
	return near, <-ends, network.darken
}

const anyPort = "127.0.0.1:0"

// A darkConn is a socket whose network may carry nothing any more.
type darkConn struct {
	net.PacketConn
	dark atomic.Bool
}

func listenUDP(t *testing.T) *darkConn {
	c, err := net.ListenPacket("udp", anyPort)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return &darkConn{PacketConn: c}
}

func (c *darkConn) darken() { c.dark.Store(true) }

func (c *darkConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	if c.dark.Load() {
		return len(p), nil
	}
	return c.PacketConn.WriteTo(p, addr)
}

func (c *darkConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.PacketConn.ReadFrom(p)
		if err != nil || !c.dark.Load() {
			return n, addr, err
		}
	}
}

// relay returns the address of a way to addr, and what resets the connections on it.
func relay(t *testing.T, addr string) (string, func()) {
	l, err := net.Listen("tcp", anyPort)
	must(t, err)
	var all sync.WaitGroup
	ends := make(chan [2]net.Conn, 1)
	all.Go(func() {
		a, err := l.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
		}
		all.Go(func() { io.Copy(a, b) })
		all.Go(func() { io.Copy(b, a) })
		ends <- [2]net.Conn{a, b}
	})
	lose := sync.OnceFunc(func() {
		for _, c := range <-ends {
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	})
	t.Cleanup(func() { lose(); l.Close(); all.Wait() })
	return l.Addr().String(), lose
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func serverTLS() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{certificate()}} }

func clientTLS() *tls.Config {
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(certificate().Leaf)
	return c
}

var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})
