package http3

import (
	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/quic"
)

// controlStreams is how many unidirectional streams each end needs: for control and
// for the two of QPACK (https://www.rfc-editor.org/rfc/rfc9114#section-6.2).
const controlStreams = 3

// defaults returns the settings that suit connections with idle sockets, where c,
// which may be nil, says nothing else.
func defaults(c *quicgo.Config) *quicgo.Config {
	c = quic.Defaults(c)
	if c.MaxIncomingUniStreams != 0 {
		c.MaxIncomingUniStreams = max(c.MaxIncomingUniStreams, controlStreams)
	}
	return c
}

func serverConfig(c *quicgo.Config) *quicgo.Config {
	c = defaults(c)
	if choose := c.GetConfigForClient; choose != nil {
		c.GetConfigForClient = func(info *quicgo.ClientInfo) (*quicgo.Config, error) {
			chosen, err := choose(info)
			if err != nil {
				return nil, err
			}
			return serverConfig(chosen), nil
		}
	}
	return c
}

func clientConfig(c *quicgo.Config) *quicgo.Config {
	c = defaults(c)
	c.MaxIncomingStreams = -1
	return c
}
