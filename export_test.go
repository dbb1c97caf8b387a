package websockets

import (
	"net"
	"net/url"
)

// CarrierOf returns the connection under a Conn that was dialled.
func CarrierOf(c *Conn) net.Conn {
	return c.t.Stream().(interface{ NetConn() net.Conn }).NetConn()
}

// ConnKey returns what connections to a URL are shared by, through a proxy unless that
// is "", and after a redirect from elsewhere if foreign is set.
func ConnKey(rawURL, proxy string, foreign bool) string {
	t, err := parseTarget(rawURL)
	if err != nil {
		panic(err)
	}
	t.foreign = foreign
	var p *proxyServer
	if proxy != "" {
		u, err := url.Parse(proxy)
		if err == nil {
			p, err = parseProxy(u)
		}
		if err != nil {
			panic(err)
		}
	}
	return connKey(t, p)
}

// IsPlain is for tests.
var IsPlain = isPlain
