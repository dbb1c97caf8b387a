package core

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAppendReject(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    RejectOptions
		want string
	}{
		{"the zero value", RejectOptions{},
			"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
		{"a body", RejectOptions{Status: 503, Body: []byte("later")},
			"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n" +
				"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nlater"},
		{"a body of another type", RejectOptions{Status: 403, Header: []Field{{"content-type", "text/html"}}, Body: []byte("<h1>Access denied</h1>")},
			"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 22\r\n" +
				"content-type: text/html\r\n\r\n<h1>Access denied</h1>"},
		{"a redirect", RejectOptions{Status: 307, Header: []Field{{"Location", "/there"}}},
			"HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /there\r\n\r\n"},
		{"RFC 6455 section 4.4", RejectOptions{Status: 426},
			"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n" +
				"Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"},
		{"a method", RejectOptions{Status: 405},
			"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n"},
		{"methods", RejectOptions{Status: 405, Header: []Field{{"Allow", "GET, POST"}}},
			"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\nAllow: GET, POST\r\n\r\n"},
		{"a code without a name", RejectOptions{Status: 599},
			"HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
		{"another one", RejectOptions{Status: 499},
			"HTTP/1.1 499 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
	} {
		got, err := AppendReject([]byte("before"), tt.o)
		if err != nil || string(got) != "before"+tt.want {
			t.Errorf("%s: %v\n%q, want\n%q", tt.name, err, got, tt.want)
		}
	}
}

func TestAppendRejectStatus(t *testing.T) {
	for status := -1; status < 1100; status++ {
		_, err := AppendReject(nil, RejectOptions{Status: status})
		valid := status == 0 || status >= 300 && status <= 599 && status != 304
		if (err == nil) != valid || err != nil && err != ErrHandshakeOption {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// Reason phrases are those of net/http, but for four that RFC 9110 renamed.
func TestReasonPhrases(t *testing.T) {
	newer := map[int]string{413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content", 416: "Range Not Satisfiable"}
	for status, phrase := range reasonPhrases {
		want := http.StatusText(status)
		if newer[status] != "" {
			want = newer[status]
		}
		if phrase != "" && phrase != want {
			t.Errorf("%d: %q, want %q", status, phrase, want)
		}
	}
}

// Every refusal is an HTTP response that ends the connection, with the text
// of the error as its body.
func TestAppendRefusal(t *testing.T) {
	for e := range Error(255) {
		if e.Status() == 0 {
			continue
		}
		out := appendRefusal([]byte("before"), e)
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out[len("before"):])), nil)
		if err != nil {
			t.Fatalf("%v: %v", e, err)
		}
		body, _ := io.ReadAll(resp.Body)
		want := e.Reason()
		if e == ErrMethod {
			want = ""
		}
		if resp.StatusCode != e.Status() || string(body) != want || !resp.Close || resp.ContentLength != int64(len(want)) {
			t.Errorf("%v: %q", e, out)
		}
		if got := resp.Header.Get("Sec-WebSocket-Version"); (got == "13") != (e.Status() == 426) {
			t.Errorf("%v: version %q", e, got)
		}
		if got := resp.Header.Get("Upgrade"); (got == "websocket") != (e.Status() == 426) {
			t.Errorf("%v: upgrade %q", e, got)
		}
		if got := resp.Header.Get("Allow"); (got == "GET") != (e.Status() == 405) {
			t.Errorf("%v: allow %q", e, got)
		}
		if !strings.HasPrefix(string(out), "beforeHTTP/1.1 ") {
			t.Errorf("%v: %q", e, out)
		}
	}
}
