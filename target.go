package websockets

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// target is where a URL points.
type target struct {
	url           *url.URL // without user information
	secure        bool
	port          string
	authorization string // from the URL's user information
	foreign       bool   // a redirect has led to another origin; see redirect
}

// parseTarget understands a WebSocket URL
// (https://www.rfc-editor.org/rfc/rfc6455#section-3).
func parseTarget(rawURL string) (*target, error) {
	t, err := parseURL(rawURL)
	if err != nil {
		return nil, &Error{Kind: ErrMisuse, Code: Abnormal, Err: fmt.Errorf("websocket: %w", err)}
	}
	return t, nil
}

func parseURL(rawURL string) (*target, error) {
	u, err := url.Parse(rawURL)
	secret := strings.Contains(rawURL, "@") // there may be a password, and anywhere
	if err != nil && secret {
		return nil, errors.New("the URL, which is not shown since it may hold a password, cannot be parsed")
	}
	if err != nil && !strings.Contains(rawURL, "://") {
		return nil, fmt.Errorf("the URL %q must begin with ws:// or wss://", rawURL)
	}
	if err != nil {
		return nil, err
	}
	shown := rawURL
	switch {
	case u.User != nil:
		shown = u.Redacted()
	case secret:
		shown = "(not shown: it may hold a password)"
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("the URL %q must not have a fragment (#...)", shown)
	}
	return newTarget(u, shown)
}

// newTarget tells where u points; shown is how errors show it.
func newTarget(u *url.URL, shown string) (*target, error) {
	t := &target{}
	switch strings.ToLower(u.Scheme) {
	case "ws", "http":
	case "wss", "https":
		t.secure = true
	default:
		return nil, fmt.Errorf("the URL %q must begin with ws:// or wss://", shown)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("the URL %q names no host", shown)
	}
	if strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r >= utf8.RuneSelf }) {
		return nil, fmt.Errorf("the URL %q must name its host in ASCII (xn--...)", shown)
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return nil, fmt.Errorf("the URL %q has a port that is not from 1 to 65535", shown)
	}
	t.authorization = basic(u.User)
	anonymous := *u
	anonymous.User = nil
	t.url = &anonymous
	if t.port = u.Port(); t.port == "" {
		t.port = defaultPort(u.Scheme)
	}
	return t, nil
}

// basic returns the credentials of a URL as a field wants them
// (https://www.rfc-editor.org/rfc/rfc7617#section-2), "" if there are none.
func basic(user *url.Userinfo) string {
	if user == nil {
		return ""
	}
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// address is what to connect to.
func (t *target) address() string { return net.JoinHostPort(t.url.Hostname(), t.port) }

// authority is what to ask a proxy for. A zone means nothing to other machines
// (https://www.rfc-editor.org/rfc/rfc6874#section-1).
func (t *target) authority() string {
	return net.JoinHostPort(withoutZone(t.url.Hostname()), t.port)
}

// hostField is the Host header field, which names a port unless it is that of
// the scheme (https://www.rfc-editor.org/rfc/rfc6455#section-4.1).
func (t *target) hostField() string {
	authority := t.authority()
	if t.port == defaultPort(t.url.Scheme) {
		return strings.TrimSuffix(authority, ":"+t.port)
	}
	return authority
}

// httpURL is the URL in the terms of HTTP.
func (t *target) httpURL() *url.URL {
	u := *t.url
	u.Scheme = "http"
	if t.secure {
		u.Scheme = "https"
	}
	return &u
}

// sameOrigin compares scheme, host and port
// (https://www.rfc-editor.org/rfc/rfc6454#section-4).
func (t *target) sameOrigin(o *target) bool {
	return t.secure == o.secure && strings.EqualFold(t.url.Hostname(), o.url.Hostname()) && t.port == o.port
}

func withoutZone(host string) string {
	address, _, _ := strings.Cut(host, "%")
	return address
}
