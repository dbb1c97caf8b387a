package core

import (
	"fmt"
	"slices"
	"testing"
)

func TestAppendRequest(t *testing.T) {
	got, err := appendRequest([]byte("before"), RequestOptions{
		Host:         "server.example.com",
		Target:       "/chat?room=1",
		Subprotocols: []string{"chat", "superchat"},
		Header:       []Field{{"Origin", "http://example.com"}},
	}, sampleKey, "")
	want := "before" +
		"GET /chat?room=1 HTTP/1.1\r\n" +
		"Host: server.example.com\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Protocol: chat, superchat\r\n" +
		"Origin: http://example.com\r\n" +
		"\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, %q, want %q", err, got, want)
	}
}

// What our client asks, our server accepts, and the client accepts the answer.
func TestBothSides(t *testing.T) {
	for _, o := range []RequestOptions{
		{Host: "a"},
		{Host: "[::1]:8080", Target: "/?q={a|b}"},
		{Host: "a", Subprotocols: []string{"x"}},
		{Host: "a", Subprotocols: []string{"x", "X", "y.z"}, Header: []Field{{"Origin", "http://a"}, {"Cookie", "a=b; c=d"}}},
	} {
		key := newKey(func() uint32 { return 0xdeadbeef })
		out, err := appendRequest(nil, o, key, "")
		if err != nil {
			t.Fatal(err)
		}
		r := parsed(t, string(out))
		if err := r.Check(); err != nil {
			t.Errorf("%q: %v", out, err)
		}
		if r.Host() != o.Host || o.Target != "" && r.Path() != o.Target || !slices.Equal(r.Subprotocols(), o.Subprotocols) {
			t.Errorf("%q: host %q, path %q, subprotocols %q", out, r.Host(), r.Path(), r.Subprotocols())
		}
		choice := ""
		if n := len(o.Subprotocols); n > 0 {
			choice = o.Subprotocols[n-1]
		}
		answer, err := AppendAccept(nil, r, AcceptOptions{Subprotocol: choice})
		if err != nil {
			t.Fatal(err)
		}
		resp, e := parseResponse(answer)
		if e != 0 {
			t.Fatal(e)
		}
		if got, e := checkPlain(resp, key, o.Subprotocols); got != choice || e != 0 {
			t.Errorf("%q: %q, %v", answer, got, e)
		}
	}
}

func TestAppendRequestRefuses(t *testing.T) {
	many := make([]string, maxSubprotocols+1)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	for _, tt := range []struct {
		name string
		o    RequestOptions
	}{
		{"no host", RequestOptions{}},
		{"a host with a line", RequestOptions{Host: "a\r\nX: y"}},
		{"a host with a path", RequestOptions{Host: "a/b"}},
		{"a host with user information", RequestOptions{Host: "u:p@a"}},
		{"a bare IPv6 host", RequestOptions{Host: "::1"}},
		{"a host with a space", RequestOptions{Host: "a b"}},
		{"a host with NUL", RequestOptions{Host: "a\x00"}},
		{"a target without a slash", RequestOptions{Host: "a", Target: "chat"}},
		{"a target in absolute-form", RequestOptions{Host: "a", Target: "http://a/"}},
		{"an asterisk", RequestOptions{Host: "a", Target: "*"}},
		{"a target with a space", RequestOptions{Host: "a", Target: "/a b"}},
		{"a target with a line", RequestOptions{Host: "a", Target: "/ HTTP/1.1\r\nX: y"}},
		{"a target with LF", RequestOptions{Host: "a", Target: "/\n"}},
		{"a target with CR", RequestOptions{Host: "a", Target: "/\r"}},
		{"a target with NUL", RequestOptions{Host: "a", Target: "/\x00"}},
		{"a target with a fragment", RequestOptions{Host: "a", Target: "/#a"}},
		{"a target that is not ASCII", RequestOptions{Host: "a", Target: "/\u00e9"}},
		{"an empty subprotocol", RequestOptions{Host: "a", Subprotocols: []string{""}}},
		{"a subprotocol twice", RequestOptions{Host: "a", Subprotocols: []string{"x", "y", "x"}}},
		{"a list as a subprotocol", RequestOptions{Host: "a", Subprotocols: []string{"x,y"}}},
		{"a subprotocol with a line", RequestOptions{Host: "a", Subprotocols: []string{"x\r\nX: y"}}},
		{"a subprotocol with a space", RequestOptions{Host: "a", Subprotocols: []string{"x "}}},
		{"65 subprotocols", RequestOptions{Host: "a", Subprotocols: many}},
	} {
		dst := append(make([]byte, 0, 1000), "before"...)
		got, err := appendRequest(dst, tt.o, sampleKey, "")
		if err != ErrHandshakeOption {
			t.Errorf("%s: %v", tt.name, err)
		}
		if string(got) != "before" || string(got[:10]) != "before\x00\x00\x00\x00" {
			t.Errorf("%s: wrote %q in spite of the error", tt.name, got[:20])
		}
	}
	if _, err := appendRequest(nil, RequestOptions{Host: "a", Subprotocols: many[1:]}, sampleKey, ""); err != nil {
		t.Errorf("64 subprotocols: %v", err)
	}
}
