package websockets_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

func TestSameOrigin(t *testing.T) {
	tests := []struct {
		host   string
		origin []string
		want   bool
	}{
		{"example.com", nil, true},
		{"example.com", []string{"https://example.com"}, true},
		{"example.com:443", []string{"https://example.com"}, true},
		{"example.com", []string{"http://example.com:80"}, true},
		{"EXAMPLE.com:8080", []string{"http://example.COM:8080"}, true},
		{"[::1]:8080", []string{"http://[::1]:8080"}, true},
		{"[::1]", []string{"http://[::1]"}, true},
		{"example.com:8080", []string{"http://example.com:8081"}, false},
		{"example.com", []string{"https://example.com:8443"}, false},
		{"example.com", []string{"https://example.com.evil.example"}, false},
		{"example.com", []string{"https://evil.example/example.com"}, false},
		{"example.com", []string{"null"}, false},
		{"example.com", []string{""}, false},
		{"example.com", []string{"https://example.com", "https://evil.example"}, false},
		{"", []string{"null"}, false},
		{"example.com.", []string{"https://example.com."}, true},
		{"my_service:3000", []string{"http://my_service:3000"}, true},
		{"[0:0::1]:80", []string{"http://[::1]"}, true},
		{"localhost", []string{"app://localhost"}, true},
		{"example.com", []string{"https://user@example.com"}, false},
		{"example.com", []string{"https://example.com/"}, false},
		{"\u212aelvin.example", []string{"https://kelvin.example"}, false},
	}
	for _, test := range tests {
		r := &http.Request{Host: test.host, Header: http.Header{"Origin": test.origin}}
		if test.origin == nil {
			r.Header = http.Header{}
		}
		if got := websockets.SameOrigin(r); got != test.want {
			t.Errorf("page of %q on host %q: %v, want %v", test.origin, test.host, got, test.want)
		}
	}
}

// A page of http may have been changed on its way: it is another origin than a
// server with TLS (https://www.rfc-editor.org/rfc/rfc6454#section-5).
func TestSameOriginWithTLS(t *testing.T) {
	for origin, want := range map[string]bool{
		"https://example.com":      true,
		"https://EXAMPLE.com:443":  true,
		"http://example.com":       false,
		"http://example.com:443":   false,
		"app://example.com":        false,
		"https://evil.example.com": false,
	} {
		r := &http.Request{Host: "example.com", Header: http.Header{"Origin": {origin}}, TLS: &tls.ConnectionState{}}
		if got := websockets.SameOrigin(r); got != want {
			t.Errorf("%s: %v", origin, got)
		}
	}
}

func TestOrigins(t *testing.T) {
	tests := []struct {
		pattern string
		yes, no []string
	}{
		{"example.com",
			[]string{"https://example.com", "http://example.com", "HTTPS://EXAMPLE.com", "https://example.com:443", "http://example.com:80", "app://example.com"},
			[]string{
				"https://example.com:8443", "http://example.com:443", "https://example.com:80",
				"https://www.example.com", "https://notexample.com", "https://example.com.evil.example", "https://example.community",
				"https://example.com@evil.example", "https://evil.example@example.com", "https://example.com:x@evil.example",
				"https://evil.example/example.com", "https://evil.example#example.com", "https://evil.example?example.com",
				"https://evil.example\\@example.com", "https://evil.example\\.example.com", "https://example.com\\.evil.example",
				"https://example.com/", "https://example.com ", " https://example.com", "https://example.com https://evil.example",
				"https://example.com,https://evil.example", "https://example.com\t", "https://example.com\x00.evil.example",
				"https://ex\u0430mple.com", "https://e\u212aample.com", "https://example\u3002com", "https://example%2ecom", "https://ex\u00admple.com",
				"https://example.com.", "https://.example.com", "example.com", "//example.com", "https:example.com", "https:/example.com",
				"https:///example.com", "://example.com", "1https://example.com", "javascript://example.com/%0aalert(1)",
				"https://example.com:", "https://example.com:0", "https://example.com:65979", "https://example.com:-1", "https://example.com:443:443",
				"https://example.com:+443", "https://example.com:4 43", "https://[example.com]", "null", "NULL", "",
			}},
		{"https://Example.COM",
			[]string{"https://example.com", "https://example.com:443", "https://EXAMPLE.COM"},
			[]string{"http://example.com", "http://example.com:443", "httpsx://example.com", "https://example.com:444", "wss://example.com"}},
		{"example.com:8080",
			[]string{"https://example.com:8080", "http://example.com:8080", "app://example.com:8080"},
			[]string{"https://example.com", "https://example.com:80800", "https://example.com:808"}},
		{"example.com:443",
			[]string{"https://example.com", "http://example.com:443"},
			[]string{"http://example.com"}},
		{"*.example.com",
			[]string{"https://www.example.com", "http://a.b.c.Example.com", "https://x--y.example.com:443"},
			[]string{
				"https://example.com", "https://evilexample.com", "https://.example.com", "https://..example.com", "https://a..example.com",
				"https://www.example.com.evil.example", "https://www.example.com:8443", "https://evil.example/.example.com",
				"https://evil.example:80.example.com", "https://evil.example@www.example.com", "https://*.example.com", "https://evil.example%2f.example.com",
			}},
		{"https://*.example.com:8443",
			[]string{"https://www.example.com:8443"},
			[]string{"http://www.example.com:8443", "https://www.example.com", "https://example.com:8443"}},
		{"http://[::1]:3000",
			[]string{"http://[::1]:3000", "http://[0:0:0:0:0:0:0:1]:3000"},
			[]string{"http://[::1]", "http://::1:3000", "http://[::1]:3001", "http://[::1%25lo]:3000", "http://[::1]:3000.evil.example", "http://[::1].evil.example:3000", "http://[::1:3000"}},
		{"[2001:DB8::1]",
			[]string{"https://[2001:db8::1]", "http://[2001:db8:0::1]:80"},
			[]string{"https://[2001:db8::2]"}},
		{"127.0.0.1", []string{"http://127.0.0.1"}, []string{"http://127.0.0.1.evil.example", "http://[::ffff:127.0.0.1]"}},
		{"xn--bcher-kva.example", []string{"https://xn--bcher-kva.example"}, []string{"https://b\u00fccher.example"}},
		{"app://localhost", []string{"app://localhost"}, []string{"http://localhost", "app://localhost:80"}},
		{"null", []string{"null"}, []string{"", "Null", "https://null", "null null"}},
		{"https://null", []string{"https://null"}, []string{"null"}},
	}
	for _, test := range tests {
		accept, err := websockets.Origins("unrelated.example", test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		for _, origin := range test.yes {
			if !accept(from(origin)) {
				t.Errorf("%q does not match %q", test.pattern, origin)
			}
		}
		for _, origin := range test.no {
			if accept(from(origin)) {
				t.Errorf("%q matches %q", test.pattern, origin)
			}
		}
	}
}

// from returns a request to a server that has nothing to do with the origins.
func from(origins ...string) *http.Request {
	return &http.Request{Host: "ws.server.example", Header: http.Header{"Origin": origins}}
}

func TestOriginsAcceptsWhatSameOriginDoes(t *testing.T) {
	for _, patterns := range [][]string{nil, {"example.com"}} {
		accept, err := websockets.Origins(patterns...)
		if err != nil {
			t.Fatal(err)
		}
		if !accept(from("https://ws.server.example")) || !accept(from()) {
			t.Errorf("%q refuse the same origin, or none", patterns)
		}
		if accept(from("https://evil.example")) || accept(from("https://example.com", "https://example.com")) || accept(from("null")) {
			t.Errorf("%q accept another origin, or two", patterns)
		}
	}
}

func TestOriginsThatAreNoPatterns(t *testing.T) {
	for pattern, says := range map[string]string{
		"":                          "no host",
		"https://":                  "no host",
		"*":                         "wildcard",
		"*://example.com":           "scheme",
		"https://*":                 "wildcard",
		"example.*":                 "wildcard",
		"*example.com":              "wildcard",
		"*.*.example.com":           "wildcard",
		"a.*.example.com":           "wildcard",
		"example.com:*":             "wildcard",
		"*.":                        "[scheme://]host[:port]",
		"*.:80":                     "[scheme://]host[:port]",
		"https://example.com/":      "path",
		"https://example.com/chat":  "path",
		"example.com?x":             "path",
		"https:/example.com":        "path",
		"https:example.com":         "[scheme://]host[:port]",
		"//example.com":             "path",
		"https://me@example.com":    "user information",
		" example.com":              "space",
		"example.com,example.org":   "[scheme://]host[:port]",
		"example.com:":              "[scheme://]host[:port]",
		"example.com:0":             "port from 1 to 65535",
		"example.com:65536":         "port from 1 to 65535",
		"example.com:http":          "port from 1 to 65535",
		"::1":                       "brackets",
		"[::1":                      "brackets",
		"[127.0.0.1]":               "brackets",
		"[fe80::1%eth0]":            "brackets",
		"*.[::1]":                   "below an address",
		"*.127.0.0.1":               "below an address",
		"b\u00fccher.example":       "xn--",
		"\u212aelvin.example":       "xn--",
		".example.com":              "[scheme://]host[:port]",
		"wss://example.com":         "not ws or wss",
		"https://a.example https:":  "space",
		"https://http://a.example:": "path",
	} {
		accept, err := websockets.Origins("example.com", pattern)
		if err == nil || accept != nil {
			t.Errorf("%q is taken for a pattern", pattern)
			continue
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", pattern)) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: the error does not name it, or does not say %q: %v", pattern, says, err)
		}
	}
}

// Whatever the header holds, what is accepted is the host or one below it.
func FuzzOrigins(f *testing.F) {
	accept, err := websockets.Origins("https://*.example.com")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("https://www.example.com")
	f.Add("https://evil.example@www.example.com:443")
	f.Fuzz(func(t *testing.T, value string) {
		if !accept(from(value)) {
			return
		}
		host := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(value), "https://"), ":443")
		if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || !strings.HasSuffix(host, ".example.com") && host != "ws.server.example" {
			t.Errorf("accepted %q", value)
		}
	})
}
