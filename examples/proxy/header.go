package main

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// hopByHop are the fields that concern one connection alone, besides those that
// Connection lists (https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1), and
// the length of a body that is not passed on as it came.
var hopByHop = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// endToEnd returns what of h is to be passed on. Each of the two connections
// makes a handshake of its own.
func endToEnd(h http.Header) http.Header {
	drop := slices.Clone(hopByHop)
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			drop = append(drop, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	kept := make(http.Header, len(h))
	for name, values := range h {
		if !slices.Contains(drop, name) && !strings.HasPrefix(name, "Sec-Websocket-") {
			kept[name] = values
		}
	}
	return kept
}

// forwarded is what the backend is told. What clients say of themselves in the
// fields that are a proxy's to set is not believed.
func forwarded(r *http.Request) http.Header {
	h := endToEnd(r.Header)
	h.Del("Forwarded")
	h.Set("X-Forwarded-Host", r.Host)
	h.Set("X-Forwarded-Proto", "http")
	if r.TLS != nil {
		h.Set("X-Forwarded-Proto", "https")
	}
	h.Del("X-Forwarded-For")
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		h.Set("X-Forwarded-For", host)
	}
	return h
}

// offered are the subprotocols that a client offers.
func offered(r *http.Request) []string {
	var all []string
	for _, line := range r.Header.Values("Sec-Websocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(name))
		}
	}
	return all
}
