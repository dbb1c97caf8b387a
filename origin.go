package websockets

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// SameOrigin accepts a request that comes from a page of the same host and port,
// as its Origin and Host headers tell, and a request without Origin, which does
// not come from a browser. On a connection with TLS the page must be one of
// https; without, of any scheme, since a proxy that ends TLS may stand before
// the server. It is what [Strict] sets as AcceptConnection
// (https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
func SameOrigin(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	return len(values) == 1 && isSameOrigin(values[0], r.Host, r.TLS != nil)
}

func isSameOrigin(origin, host string, secure bool) bool {
	o, ok := parseOrigin(origin)
	if !ok || secure && o.scheme != "https" {
		return false
	}
	host, port, ok := splitHost(host)
	if port == "" {
		port = defaultPort(o.scheme)
	}
	return ok && host == o.host && port == o.port
}

// Origins returns an AcceptConnection that accepts what [SameOrigin] does, and
// requests of pages whose origin matches one of the patterns:
//
//	https://example.com      https on port 443
//	example.com              any scheme, each on its default port
//	example.com:8080         any scheme on port 8080
//	https://*.example.com    every name below example.com, but not example.com
//	http://[::1]:3000        an IPv6 address, in brackets
//	app://localhost          a scheme without a default port: no port
//	null                     sandboxed pages, local files and the like: anybody
//
// A pattern is [scheme://]host[:port]; letter case does not matter, and names
// that are not ASCII are written as browsers send them, xn--... An error tells
// which pattern is wrong, and why
// (https://www.rfc-editor.org/rfc/rfc6454#section-6.2).
func Origins(patterns ...string) (func(*http.Request) bool, error) {
	compiled := make([]originPattern, len(patterns))
	for i, p := range patterns {
		var err error
		if compiled[i], err = parsePattern(p); err != nil {
			return nil, fmt.Errorf("websocket: origin pattern %q: %w", p, err)
		}
	}
	return func(r *http.Request) bool {
		if SameOrigin(r) {
			return true
		}
		values := r.Header.Values("Origin")
		if len(values) != 1 {
			return false
		}
		o, ok := parseOrigin(values[0])
		if values[0] == "null" {
			o, ok = origin{null: true}, true
		}
		return ok && slices.ContainsFunc(compiled, func(p originPattern) bool { return p.matches(o) })
	}, nil
}

// An origin is that of a page, in lower case
// (https://www.rfc-editor.org/rfc/rfc6454#section-4).
type origin struct {
	null         bool // that of a page that has none
	scheme, host string
	port         string // "" where the scheme has no default port and none is named
}

// parseOrigin is stricter than parsing a URL: an Origin that no browser sends is
// none.
func parseOrigin(s string) (o origin, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !isScheme(scheme) {
		return origin{}, false
	}
	o.scheme = strings.ToLower(scheme)
	o.host, o.port, ok = splitHost(rest)
	if o.port == "" {
		o.port = defaultPort(o.scheme)
	}
	return o, ok && !strings.HasSuffix(rest, ":")
}

// An originPattern is what Origins compares an origin with.
type originPattern struct {
	null   bool
	scheme string // "": any
	below  bool   // the names below host
	host   string
	port   string // "": the default of the scheme
}

func (p originPattern) matches(o origin) bool {
	if p.null || o.null {
		return p.null && o.null
	}
	port := p.port
	if port == "" {
		port = defaultPort(o.scheme)
	}
	if port != o.port || p.scheme != "" && p.scheme != o.scheme {
		return false
	}
	if p.below {
		return strings.HasSuffix(o.host, "."+p.host)
	}
	return o.host == p.host
}

func parsePattern(s string) (p originPattern, err error) {
	if s == "null" {
		return originPattern{null: true}, nil
	}
	rest := s
	if scheme, after, ok := strings.Cut(s, "://"); ok {
		if !isScheme(scheme) {
			return p, errors.New("before :// there must be the scheme of a page, such as https")
		}
		p.scheme, rest = strings.ToLower(scheme), after
		if p.scheme == "ws" || p.scheme == "wss" {
			return p, errors.New("an origin is that of the page: http or https, not ws or wss")
		}
	}
	if err := checkPattern(rest); err != nil {
		return p, err
	}
	rest, p.below = strings.CutPrefix(rest, "*.")
	if strings.Contains(rest, "*") {
		return p, errors.New("the only wildcard is *. before the host")
	}
	var ok bool
	p.host, p.port, ok = splitHost(rest)
	switch {
	case !ok || strings.HasSuffix(rest, ":"):
		return p, errors.New("must be [scheme://]host[:port], with a port from 1 to 65535, and an IPv6 address in brackets")
	case p.below && isAddress(p.host):
		return p, errors.New("there are no names below an address")
	}
	return p, nil
}

// checkPattern tells the mistakes that are easily made apart.
func checkPattern(s string) error {
	if s == "" {
		return errors.New("there is no host")
	}
	for _, c := range s {
		switch {
		case c <= ' ' || c == 0x7f:
			return errors.New("there is a space or control character in it")
		case c > 0x7f:
			return errors.New("write the host in ASCII, with xn--, as browsers do")
		case c == '@':
			return errors.New("an origin has no user information")
		case strings.ContainsRune("/?#\\", c):
			return errors.New("an origin has no path: end after the host and port")
		}
	}
	return nil
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// isScheme tells by https://www.rfc-editor.org/rfc/rfc3986#section-3.1.
func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return false
		}
	}
	return s != ""
}

// splitHost splits host[:port] and returns both in their usual form: names in
// lower case, addresses without brackets. Of names it takes what is in use:
// letters, digits, hyphens and underscores.
func splitHost(s string) (host, port string, ok bool) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", "", false
		}
		port = strconv.FormatUint(n, 10)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return addr.String(), port, closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	return strings.ToLower(host), port, isHost(host)
}

func isHost(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !strings.ContainsRune("0123456789-_.", rune(c)) {
			return false
		}
	}
	return s != "" && s[0] != '.' && !strings.Contains(s, "..")
}

// isAddress reports whether host is an IP address, to browsers at least: their
// last label is a number.
func isAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Contains(host, ":") || strings.Trim(last, "0123456789") == ""
}
