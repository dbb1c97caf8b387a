package http2

import (
	"cmp"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"
)

// Defaults of [ConfigureServer].
const (
	// DefaultStreamWindow is how many bytes a stream takes that nobody reads.
	DefaultStreamWindow = 256 << 10

	// DefaultConnWindow is how many bytes all streams of a connection take
	// together: more than the 250 that net/http allows can fill.
	DefaultConnWindow = 256 * DefaultStreamWindow

	// DefaultSendPingTimeout is after how much silence of the client a server
	// asks for a sign of life. Who gives none within 15 s is cut.
	DefaultSendPingTimeout = 30 * time.Second
)

// ErrExtendedConnectOff is what [ConfigureServer] returns in a program that does
// not import package extendedconnect.
var ErrExtendedConnectOff = errors.New("http2: extended CONNECT is switched off in net/http, so clients will use HTTP/1.1 for their WebSockets; " +
	`to switch it on: import _ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect", or set GODEBUG=http2xconnect=1`)

// ConfigureServer prepares an HTTP server for WebSockets over HTTP/2, before it
// serves. It sets those fields of s.HTTP2 that are zero: the windows, which are such
// that a socket nobody reads does not hold up the others of its connection, and
// SendPingTimeout.
//
// The server's ReadTimeout and WriteTimeout do not hold for WebSockets. HTTP/2
// without TLS is for the field Protocols to allow.
//
// The error is [ErrExtendedConnectOff], and s is prepared all the same.
func ConfigureServer(s *http.Server) error {
	if s.HTTP2 == nil {
		s.HTTP2 = &http.HTTP2Config{}
	}
	c := s.HTTP2
	c.MaxReceiveBufferPerStream = cmp.Or(c.MaxReceiveBufferPerStream, DefaultStreamWindow)
	c.MaxReceiveBufferPerConnection = cmp.Or(c.MaxReceiveBufferPerConnection, DefaultConnWindow)
	c.SendPingTimeout = cmp.Or(c.SendPingTimeout, DefaultSendPingTimeout)
	if !extendedConnect {
		return ErrExtendedConnectOff
	}
	return nil
}

// extendedConnect is whether net/http takes extended CONNECT requests, which it
// decides in the same way when it is initialised.
var extendedConnect = strings.Contains(os.Getenv("GODEBUG"), "http2xconnect=1")
