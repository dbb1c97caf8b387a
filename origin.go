package websockets

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// SameOrigin accepts a request that comes from a page of the same host, as its
// Origin and Host headers tell, and a request without Origin, which does not
// come from a browser. It is what [Strict] sets as AcceptConnection
// (https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
func SameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	if err != nil || len(origins) > 1 || u.Host == "" {
		return false
	}
	port := defaultPort(u.Scheme)
	return strings.EqualFold(withPort(u.Host, port), withPort(r.Host, port))
}

func defaultPort(scheme string) string {
	switch strings.ToLower(scheme) {
	case "https", "wss":
		return "443"
	}
	return "80"
}

// withPort returns host with its port, the given one if it names none.
func withPort(host, port string) string {
	if _, p, err := net.SplitHostPort(host); err == nil && p != "" {
		return host
	}
	return net.JoinHostPort(strings.Trim(strings.TrimSuffix(host, ":"), "[]"), port)
}
