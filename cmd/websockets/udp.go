package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	quicgo "github.com/quic-go/quic-go"
	quichttp "github.com/quic-go/quic-go/http3"

	"github.com/fb1e3c20/websockets/transport/http3"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// A udpServer serves two protocols of QUIC on one port: HTTP/3, and WebSockets whose
// bytes are on streams of their own.
type udpServer struct {
	http      *quichttp.Server
	transport *quicgo.Transport
	accepting *quicgo.Listener
	raw       *quic.Listener
}

// newUDPServer listens on a UDP port of the address of a TCP listener.
func newUDPServer(addr *net.TCPAddr, config *tls.Config, h http.Handler, log *slog.Logger) (*udpServer, error) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Port: addr.Port, Zone: addr.Zone})
	if err != nil {
		return nil, err
	}
	s := &udpServer{
		http:      &quichttp.Server{Handler: h, Port: addr.Port, MaxHeaderBytes: maxHead, Logger: log},
		transport: &quicgo.Transport{Conn: socket},
		raw:       quic.NewListener(socket.LocalAddr()),
	}
	http3.ConfigureServer(s.http)
	config = config.Clone()
	config.NextProtos = []string{quichttp.NextProtoH3, quic.ALPN}
	if s.accepting, err = s.transport.Listen(config, s.http.QUICConfig); err != nil {
		socket.Close()
		return nil, err
	}
	return s, nil
}

// serve serves HTTP/3 until shutdown.
func (s *udpServer) serve() error { return s.http.ServeListener(s) }

// Accept returns the next connection of HTTP/3, and gives all others to raw.
func (s *udpServer) Accept(ctx context.Context) (*quicgo.Conn, error) {
	for {
		c, err := s.accepting.Accept(ctx)
		if err != nil {
			return nil, err
		}
		if c.ConnectionState().TLS.NegotiatedProtocol == quichttp.NextProtoH3 {
			return c, nil
		}
		s.raw.Add(c) // which closes what it does not want
	}
}

// farewell is how long connections get for their last packets. Clients of HTTP/3 keep
// theirs as they like.
const farewell = 500 * time.Millisecond

func (s *udpServer) Addr() net.Addr { return s.accepting.Addr() }

// Close stops accepting; connections live on.
func (s *udpServer) Close() error { return s.accepting.Close() }

// close ends what is left once the sockets are closed, and releases the port.
func (s *udpServer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	s.raw.Close()
	s.http.Shutdown(ctx)
	select {
	case <-s.raw.Done():
	case <-ctx.Done():
		s.raw.Abort()
	}
	s.transport.Close() // and all connections
	s.transport.Conn.Close()
}

// listenBoth listens on a TCP port and makes a server for the UDP port of the same
// number. Where the system picks the number, it may pick again.
func listenBoth(addr string, config *tls.Config, h http.Handler, log *slog.Logger) (net.Listener, *udpServer, error) {
	const tries = 20
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	for n := 1; ; n++ {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, nil, err
		}
		u, err := newUDPServer(l.Addr().(*net.TCPAddr), config, h, log)
		if err == nil {
			return l, u, nil
		}
		l.Close()
		if port != "0" || n == tries {
			return nil, nil, fmt.Errorf("cannot listen for HTTP/3: %w", err)
		}
	}
}
