package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
)

// serveCommand is websockets serve.
type serveCommand struct {
	Addr    string `placeholder:"HOST:PORT" default:"127.0.0.1:8080" help:"Where to listen; port 0 picks a free one. Default ${default}."`
	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain in PEM; switches TLS on, together with --tls-key."`
	TLSKey  string `name:"tls-key" placeholder:"FILE" help:"Private key in PEM."`
	TLSSelf bool   `name:"tls-self-signed" help:"Switch TLS on with a new certificate that nobody knows. For tests only."`
	Strict  bool   `default:"true" negatable:"" help:"Refuse pages of other origins, and answer pings. On by default; --no-strict or --strict=false is the library's behaviour of old."`
	Inspect bool   `default:"true" negatable:"" help:"Let the page watch the frames of all connections to this server, other people's included. On by default."`
	protocol
	coreKind
}

func (serveCommand) Help() string {
	return `The server has

  /       a page to chat, to send messages and to inspect frames live
  /echo   a WebSocket that sends every message back
  /chat   a WebSocket that sends every message to everybody in the room
  /inspect   what the page watches: a WebSocket that tells in JSON what passes on the others

Over TLS it serves HTTP/1.1, HTTP/2 and HTTP/3, and /echo and /chat on streams of QUIC as well, all on one port number, of TCP and of UDP. Without TLS it serves HTTP/1.1, and HTTP/2 for clients that know. The page shows what carries its WebSocket.

With --core wasm every frame of a WebSocket peer, and over HTTP/1.1 every byte, the handshake included, is parsed in a WebAssembly sandbox.

It prints one line, "listening on http://HOST:PORT", and logs to standard error. An interrupt closes all connections with 1001 and ends it well; a second one ends it at once.

Examples:

  websockets serve
  websockets serve --addr :9000 --max-message 64KiB
  websockets serve --addr 127.0.0.1:0 --ping-interval 1s --connection-timeout 3s
  websockets serve --tls-self-signed
  websockets serve --tls-cert cert.pem --tls-key key.pem
  websockets serve --core wasm`
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, std *console) error {
	if err := checkAddr(c.Addr); err != nil {
		return usageError{err}
	}
	log := slog.New(slog.NewTextHandler(std.stderr, nil))
	o := &websockets.Options{}
	if c.Strict {
		o = websockets.Strict()
		o.AcceptConnection = sameOrigin(log)
	}
	o.Logger = log
	if err := c.apply(o); err != nil {
		return err
	}
	certificate, err := c.certificate()
	if err != nil {
		return err
	}
	sandbox, err := c.sandbox(ctx)
	if err != nil {
		return err
	}
	if sandbox != nil {
		defer sandbox.Close(context.WithoutCancel(ctx))
		o.Machine = sandbox.Machine
		log.Info("the protocol core runs in a WebAssembly sandbox")
	}
	p := newPlayground(o, c.Inspect, log)
	server := c.httpServer(p, log)
	l, udp, err := c.listen(certificate, server, log)
	if err != nil {
		return err
	}
	c.announce(std, l.Addr(), certificate)
	if sandbox != nil {
		if l, err = newSandboxListener(l, sandbox, p, server, log); err != nil {
			return err
		}
	}
	served := make(chan error, 3)
	go func() { served <- server.Serve(l) }()
	if udp != nil {
		defer udp.close()
		go func() { served <- udp.serve() }()
		go func() { served <- p.serveStreams(udp.raw) }()
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down")
	shutdown(c.CloseTimeout, p.shutdown, server.Shutdown)
	return nil
}

// listen listens; with a certificate for TLS, and on UDP as well.
func (c *serveCommand) listen(certificate *tls.Certificate, server *http.Server, log *slog.Logger) (net.Listener, *udpServer, error) {
	if certificate == nil {
		l, err := net.Listen("tcp", c.Addr)
		return l, nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"h2", "http/1.1"}}
	l, udp, err := listenBoth(c.Addr, config, server.Handler, log)
	if err != nil {
		return nil, nil, err
	}
	server.Handler = withAltSvc(server.Handler, l.Addr().(*net.TCPAddr).Port)
	return tls.NewListener(l, config), udp, nil
}

// withAltSvc tells a browser that asks for the page of HTTP/3
// (https://www.rfc-editor.org/rfc/rfc7838#section-3).
func withAltSvc(h http.Handler, port int) http.Handler {
	service := fmt.Sprintf(`h3=":%d"; ma=3600`, port)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Alt-Svc", service)
		}
		h.ServeHTTP(w, r)
	})
}

// announce tells where the server is, and how to open it.
func (c *serveCommand) announce(std *console, addr net.Addr, certificate *tls.Certificate) {
	if certificate == nil {
		fmt.Fprintf(std.stdout, "listening on http://%s\n", addr)
		return
	}
	if !c.TLSSelf {
		fmt.Fprintf(std.stdout, "listening on https://%s\n", addr)
		return
	}
	port := addr.(*net.TCPAddr).Port
	note(std.stderr, `the certificate is self-signed: a browser warns of it, and uses HTTP/3 only if started with
  chromium --ignore-certificate-errors-spki-list=%s --origin-to-force-quic-on=localhost:%d --enable-features=EnableWebsocketsOverHttp3 https://localhost:%d
from another terminal:
  websockets connect --insecure wss://localhost:%d/echo      (or with --http1, --http2, --http3, --quic)`,
		keyHash(certificate.Leaf), port, port, port)
	fmt.Fprintf(std.stdout, "listening on https://%s\n", addr)
}

func (c *serveCommand) httpServer(h http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: max(c.HandshakeTimeout, 0),
		ReadTimeout:       time.Minute, // nothing here has a body to speak of
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		Protocols:         new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	if err := http2.ConfigureServer(s); err != nil {
		log.Warn(err.Error())
	}
	return s
}

// checkAddr refuses what is not HOST:PORT.
func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("--addr %q is not HOST:PORT: %w", addr, err)
	}
	return nil
}

// sameOrigin is websockets.SameOrigin that logs whom it refuses.
func sameOrigin(log *slog.Logger) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if websockets.SameOrigin(r) {
			return true
		}
		log.Warn("refused a page of another origin; --no-strict would accept it", "origin", r.Header.Get("Origin"), "host", r.Host)
		return false
	}
}

// certificate loads what the flags name; nil without TLS.
func (c *serveCommand) certificate() (*tls.Certificate, error) {
	switch {
	case c.TLSSelf && (c.TLSCert != "" || c.TLSKey != ""):
		return nil, usageError{errors.New("--tls-self-signed makes its own certificate and key; leave --tls-cert and --tls-key out")}
	case c.TLSSelf:
		host, _, _ := net.SplitHostPort(c.Addr)
		return selfSigned(host)
	case c.TLSCert == "" && c.TLSKey == "":
		return nil, nil
	case c.TLSKey == "":
		return nil, usageError{errors.New("--tls-cert needs --tls-key")}
	case c.TLSCert == "":
		return nil, usageError{errors.New("--tls-key needs --tls-cert")}
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("cannot load the certificate: %w", err)
	}
	return &pair, nil
}

// shutdown closes the sockets, and gives them time for the closing handshake, before
// it shuts down their server: some clients drop all streams of HTTP/2 at its GOAWAY.
func shutdown(closeTimeout time.Duration, sockets, server func(context.Context) error) {
	if closeTimeout == 0 {
		closeTimeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout+time.Second)
	defer cancel()
	sockets(ctx)
	server(ctx)
}
