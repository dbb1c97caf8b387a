package quic_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets/transport/internal/quictest"
	"github.com/fb1e3c20/websockets/transport/quic"
)

func TestDefaults(t *testing.T) {
	c := quic.Defaults(nil)
	if c.KeepAlivePeriod != 15*time.Second || c.MaxIdleTimeout != time.Minute || c.MaxIncomingStreams != 1000 || c.Allow0RTT {
		t.Errorf("Defaults(nil) = %+v", c)
	}
	if c.MaxConnectionReceiveWindow < 1000*c.MaxStreamReceiveWindow*4/3-4 || c.MaxStreamReceiveWindow != 512<<10 ||
		c.InitialConnectionReceiveWindow != c.MaxConnectionReceiveWindow || c.InitialStreamReceiveWindow != c.MaxStreamReceiveWindow {
		t.Errorf("windows of Defaults(nil) = %+v", c)
	}
	given := &quic.Config{KeepAlivePeriod: -1, MaxStreamReceiveWindow: 1 << 10, MaxIncomingStreams: 7, Allow0RTT: true}
	c = quic.Defaults(given)
	if c.KeepAlivePeriod != 0 || c.MaxIncomingStreams != 7 || c.InitialStreamReceiveWindow != 1<<10 || c.MaxConnectionReceiveWindow > 2000<<10 || c.Allow0RTT {
		t.Errorf("Defaults(%+v) = %+v", given, c)
	}
	if given.MaxIdleTimeout != 0 || !given.Allow0RTT {
		t.Error("Defaults changed what it was given")
	}
}

// An idle connection lives longer than its idle timeout because somebody asks for a
// sign of life, and otherwise does not.
func TestIdle(t *testing.T) {
	const short = time.Second
	lively := &quic.Config{MaxIdleTimeout: short, KeepAlivePeriod: short / 5}
	silent := &quic.Config{MaxIdleTimeout: short, KeepAlivePeriod: -1}
	for name, test := range map[string]struct {
		server, client *quic.Config
		lives          bool
	}{
		"TheServerAsks": {lively, silent, true},
		"TheClientAsks": {silent, lively, true},
		"NobodyAsks":    {silent, silent, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, test.server)
			client, server := open(t, dial(t, l.Addr(), test.client), l)
			time.Sleep(3 * short)
			if test.lives {
				quictest.Write(t, client, "still there")
				if got, err := quictest.Read(server, 11); got != "still there" || err != nil {
					t.Errorf("read %q, %v", got, err)
				}
				return
			}
			_, err := quictest.ReadAll(server)
			late, ok := errors.AsType[*quicgo.IdleTimeoutError](err)
			if !ok || !late.Timeout() || errors.Is(err, net.ErrClosed) {
				t.Errorf("read %v; want an IdleTimeoutError", err)
			}
		})
	}
}

// Whatever the configuration says, nothing that was sent before the end of the
// handshake reaches anybody: it might be a replay.
func TestZeroRTTIsRefused(t *testing.T) {
	l := listen(t, &quic.Config{Allow0RTT: true, GetConfigForClient: func(*quicgo.ClientInfo) (*quic.Config, error) {
		return &quic.Config{Allow0RTT: true}, nil
	}})
	config := quictest.ClientTLS()
	config.NextProtos = []string{quic.ALPN}
	cache := &countingCache{ClientSessionCache: tls.NewLRUClientSessionCache(1), put: make(chan struct{}, 100)}
	config.ClientSessionCache = cache
	for range 2 {
		c, err := quicgo.DialAddrEarly(t.Context(), l.Addr().String(), config, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-c.HandshakeComplete()
		if c.ConnectionState().Used0RTT {
			t.Error("0-RTT was used")
		}
		quictest.Await(t, "a ticket", cache.put)
		c.CloseWithError(0, "")
	}
}

type countingCache struct {
	tls.ClientSessionCache
	put chan struct{}
}

func (c *countingCache) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	c.put <- struct{}{}
}
