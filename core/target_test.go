package core

import "testing"

func TestSplitTarget(t *testing.T) {
	for _, tt := range []struct {
		target          string
		authority, path string
		ok              bool
	}{
		{"/", "", "/", true},
		{"/chat?room=1", "", "/chat?room=1", true},
		{"//double", "", "//double", true},
		{"/a:b//c", "", "/a:b//c", true},
		{"http://example.com/chat", "example.com", "/chat", true},
		{"HTTPS://example.com:443/chat", "example.com:443", "/chat", true},
		{"ws://[::1]:80/a?b", "[::1]:80", "/a?b", true},
		{"wss://example.com", "example.com", "", true},
		{"http://example.com?x=/y", "example.com", "?x=/y", true},
		{"http:///path", "", "", false},
		{"http://", "", "", false},
		{"http:/path", "", "", false},
		{"http:example.com", "", "", false},
		{"ftp://example.com/", "", "", false},
		{"http://user@example.com/", "", "", false},
		{"http://example.com:8x/", "", "", false},
		{"example.com:443", "", "", false},
		{"*", "", "", false},
		{"", "", "", false},
		{"chat", "", "", false},
		{"://example.com/", "", "", false},
	} {
		authority, path, ok := splitTarget(tt.target)
		if ok != tt.ok || ok && (authority != tt.authority || path != tt.path) {
			t.Errorf("%q: %q, %q, %v", tt.target, authority, path, ok)
		}
	}
}

func TestIsTarget(t *testing.T) {
	for target, want := range map[string]bool{
		"/":                     true,
		"/%20|{}^`\"<>\\[]":     true,
		"*":                     true,
		"":                      false,
		"/a b":                  false,
		"/a\tb":                 false,
		"/a\r\nX: y":            false,
		"/a\nb":                 false,
		"/a\x00":                false,
		"/a\x7f":                false,
		"/caf\xc3\xa9":          false,
		"/a#fragment":           false,
		"/ HTTP/1.1\r\nHost: b": false,
	} {
		if got := isTarget(target); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
}

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"example.com":              true,
		"example.com:8080":         true,
		"example.com:":             true, // RFC 3986: a port may be empty
		"127.0.0.1:1":              true,
		"[::1]":                    true,
		"[::1]:80":                 true,
		"[fe80::1%25eth0]":         true,
		"[v1.a:b]":                 true,
		"under_score":              true,
		"xn--caf-dma.example":      true,
		"caf%C3%A9.example":        true,
		"":                         false,
		":80":                      false,
		"[]":                       false,
		"[]:80":                    false,
		"[::1":                     false,
		"::1":                      false,
		"[::1]x":                   false,
		"[::1]:x":                  false,
		"[::1]80":                  false,
		"example.com:80:80":        false,
		"example.com:http":         false,
		"user@example.com":         false,
		"example.com/":             false,
		"example.com?":             false,
		"example.com#":             false,
		"exam ple.com":             false,
		" example.com":             false,
		"a, b":                     false,
		"caf\xc3\xa9.example":      false,
		"example.com\x00":          false,
		"exa\x00mple.com":          false,
		"example.com\r\nX: y":      false,
		"example.com\nX":           false,
		"http://example.com":       false,
		"example.com\x7f":          false,
		"[::1\x00]":                false,
		"[::1]\r\n":                false,
		"<script>":                 false,
		"example.com:80 HTTP/1.1":  false,
		"example.com:80\r\nX: y":   false,
		"\"quoted\"":               false,
		"back\\slash":              false,
		"example.com:00000000080":  true,
		"a;b=c,(d)*+!$&'~-._.name": true,
	} {
		if got := isHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
