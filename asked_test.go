package websockets_test

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// askOf sends a request to a server of the options and returns its end.
func askOf(t *testing.T, ctx context.Context, o *websockets.Options, head string) *websockets.Conn {
	t.Helper()
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	stream, err := l.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte(head + "\r\n")); err != nil {
		t.Fatal(err)
	}
	c, err := (&websockets.Server{Options: o}).AcceptStream(ctx, stream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// What is kept as text becomes the request that it was.
func TestRequestOfStream(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	head := strings.Replace(browserRequest, "GET / ", "GET http://localhost/a%20b?c=d:e ", 1) +
		"X-Twice: 1\r\nEmpty:\r\nx-twice: : 2 :\r\n"
	origins, err := websockets.Origins("example.com")
	if err != nil {
		t.Fatal(err)
	}
	for name, accept := range map[string]func(*http.Request) bool{
		"Default": nil, "SameOrigin": websockets.SameOrigin, "Origins": origins,
	} {
		t.Run(name, func(t *testing.T) {
			o := strict()
			o.AcceptConnection = accept
			c := askOf(t, ctx, o, head)
			c.CloseNow()
			r := c.Request()
			if r != c.Request() {
				t.Error("the request is another one each time")
			}
			if r.Context().Value(key{}) != "value" {
				t.Error("the request lacks the values of its context")
			}
			o.AcceptConnection = func(*http.Request) bool { return true }
			want := askOf(t, ctx, o, head).Request()
			if host, _, _ := net.SplitHostPort(r.RemoteAddr); host != "127.0.0.1" {
				t.Errorf("the peer is %q", r.RemoteAddr)
			}
			want.RemoteAddr = r.RemoteAddr
			if !reflect.DeepEqual(r, want) {
				t.Errorf("the request is %+v, want %+v", r, want)
			}
			if r.URL.Path != "/a b" || len(r.Header["X-Twice"]) != 2 || r.Host != "localhost" {
				t.Errorf("the request is %+v", r)
			}
		})
	}
}

// A request that a function of the user's has seen, and perhaps marked, is what Request returns.
func TestRequestIsThatOfOptions(t *testing.T) {
	for name, show := range map[string]func(o *websockets.Options, see func(*http.Request)){
		"AcceptConnection": func(o *websockets.Options, see func(*http.Request)) {
			o.AcceptConnection = func(r *http.Request) bool { see(r); return true }
		},
		"ChooseSubprotocol": func(o *websockets.Options, see func(*http.Request)) {
			o.ChooseSubprotocol = func(r *http.Request, _ []string) string { see(r); return "" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var seen *http.Request
			o := strict()
			show(o, func(r *http.Request) { seen = r })
			if c := askOf(t, t.Context(), o, browserRequest); c.Request() != seen {
				t.Error("Request returns another")
			}
		})
	}
}
