package websockets_test

import (
	"net/http"
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
