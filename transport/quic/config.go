package quic

import (
	"cmp"
	"crypto/tls"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

// ALPN is the name by which the ends of a connection agree on what its streams
// carry (https://www.rfc-editor.org/rfc/rfc7301): on each bidirectional stream that the client
// opens, the bytes of one WebSocket connection, from the HTTP/1.1 request of RFC
// 6455 section 4.1 on.
const ALPN = "websocket-stream"

// A Config has the settings of quic-go. Here zero fields have other defaults,
// those of [Defaults], which also has those of connections with idle sockets in
// mind.
type Config = quicgo.Config

// Defaults of a [Config].
const (
	// DefaultKeepAlivePeriod is after how much silence of the peer a sign of
	// life is asked for.
	DefaultKeepAlivePeriod = 15 * time.Second

	// DefaultMaxIdleTimeout is after how much silence of the peer a connection
	// is lost. The smaller one of the two ends counts.
	DefaultMaxIdleTimeout = time.Minute

	// DefaultMaxIncomingStreams is how many sockets a client may have open at a
	// time on one connection.
	DefaultMaxIncomingStreams = 1000

	// DefaultStreamWindow is how many bytes a stream takes that nobody reads,
	// and so also how many are on their way at most.
	DefaultStreamWindow = 512 << 10
)

// Defaults returns a copy of c, which may be nil, with the defaults that [Listen]
// and [Dial] use: KeepAlivePeriod (negative: none), MaxIdleTimeout,
// MaxIncomingStreams, and the windows: MaxStreamReceiveWindow is
// [DefaultStreamWindow], MaxConnectionReceiveWindow such that however many streams
// nobody reads leave the others their part, and the initial ones are as large as they
// may become. 0-RTT is off.
//
// Listen and Dial also allow no streams that nobody would look at: unidirectional
// ones, unless c says otherwise, and those that a server opens.
func Defaults(c *Config) *Config {
	if c == nil {
		c = &Config{}
	}
	c = c.Clone()
	c.KeepAlivePeriod = max(0, cmp.Or(c.KeepAlivePeriod, DefaultKeepAlivePeriod))
	c.MaxIdleTimeout = cmp.Or(c.MaxIdleTimeout, DefaultMaxIdleTimeout)
	c.MaxIncomingStreams = cmp.Or(c.MaxIncomingStreams, DefaultMaxIncomingStreams)
	c.MaxStreamReceiveWindow = cmp.Or(c.MaxStreamReceiveWindow, DefaultStreamWindow)
	c.InitialStreamReceiveWindow = cmp.Or(c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow)
	c.MaxConnectionReceiveWindow = cmp.Or(c.MaxConnectionReceiveWindow, connectionWindow(c))
	c.InitialConnectionReceiveWindow = cmp.Or(c.InitialConnectionReceiveWindow, c.MaxConnectionReceiveWindow)
	c.Allow0RTT = false
	return c
}

// connectionWindow is what all streams of a connection take, and a third more: quic-go
// gives a window back when a quarter of it has been read.
func connectionWindow(c *Config) uint64 {
	streams := uint64(max(c.MaxIncomingStreams, DefaultMaxIncomingStreams))
	return min(streams*c.MaxStreamReceiveWindow/3*4, maxWindow)
}

// maxWindow is the largest that can be written
// (https://www.rfc-editor.org/rfc/rfc9000#section-16).
const maxWindow = 1<<62 - 1

func serverConfig(c *Config) *Config {
	c = Defaults(c)
	c.MaxIncomingUniStreams = cmp.Or(c.MaxIncomingUniStreams, -1)
	if choose := c.GetConfigForClient; choose != nil {
		c.GetConfigForClient = func(info *quicgo.ClientInfo) (*Config, error) {
			chosen, err := choose(info)
			if err != nil {
				return nil, err
			}
			return serverConfig(chosen), nil
		}
	}
	return c
}

func clientConfig(c *Config) *Config {
	c = Defaults(c)
	c.MaxIncomingUniStreams = cmp.Or(c.MaxIncomingUniStreams, -1)
	c.MaxIncomingStreams = -1
	return c
}

// withALPN returns a copy of c that speaks nothing but WebSocket.
func withALPN(c *tls.Config) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.NextProtos = []string{ALPN}
	return c
}
