package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
)

// The handshake: what the backend learns, and what the client learns from it.
func TestHandshake(t *testing.T) {
	at, arrives, _ := chain(t)
	host := strings.TrimPrefix(at, "ws://")
	for name, test := range map[string]struct {
		offers []string
		chosen string
	}{
		"none":    {nil, ""},
		"unknown": {[]string{"three"}, ""},
		"second":  {[]string{"three", "two"}, "two"},
		"both":    {[]string{"two", "one"}, "one"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Subprotocols = test.offers
			o.Header = http.Header{"Origin": {"http://" + host}, "Cookie": {"a=b"}, "X-Forwarded-For": {"10.0.0.1"}}
			client, err := websockets.Dial(t.Context(), at+"/a%2Fb?c=d", o)
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseNow()
			server := <-arrives
			defer server.CloseNow()
			if client.Subprotocol() != test.chosen || server.Subprotocol() != test.chosen {
				t.Errorf("the client speaks %q, the server %q, want %q", client.Subprotocol(), server.Subprotocol(), test.chosen)
			}
			r := server.Request()
			got := fmt.Sprintln(r.RequestURI, r.Host == host, r.Header["Origin"], r.Header["Cookie"],
				r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Proto"], r.Header.Get("X-Forwarded-Host") == host)
			if want := fmt.Sprintf("/a%%2Fb?c=d true [http://%s] [a=b] [127.0.0.1] [http] true\n", host); got != want {
				t.Errorf("the server sees %s, want %s", got, want)
			}
			if got := client.Response().Header.Get("X-Answer"); got != "/a%2Fb?c=d" {
				t.Errorf("the client sees the field %q", got)
			}
		})
	}
}

// The backend judges the Origin as if there were no proxy.
func TestOtherOrigin(t *testing.T) {
	at, arrives, _ := chain(t)
	o := options()
	o.Header = http.Header{"Origin": {"https://stranger.example"}}
	_, err := websockets.Dial(t.Context(), at, o)
	if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != http.StatusForbidden {
		t.Errorf("got %v, want 403", err)
	}
	o.Header = http.Header{"Origin": {friend}}
	client, err := websockets.Dial(t.Context(), at, o)
	if err != nil {
		t.Fatal(err)
	}
	client.CloseNow()
	(<-arrives).CloseNow()
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		status int
		header string // a field that the client must see
		body   string
	}{
		"unauthorized": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "who is there?", http.StatusUnauthorized)
		}, 401, "Www-Authenticate", "who is there?\n"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				http.Error(w, "this is for the client to ask", http.StatusTeapot)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, "Location", ""},
		"no WebSocket": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "hello")
		}, 502, "", "the server behind this proxy cannot be reached\n"},
		"no HTTP": {func(w http.ResponseWriter, r *http.Request) {
			panic(http.ErrAbortHandler)
		}, 502, "", ""},
		"no answer": {func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, 504, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			at, _ := start(t, "ws"+strings.TrimPrefix(server.URL, "http"))
			o := options()
			o.MaxRedirects = -1
			_, err := websockets.Dial(t.Context(), at, o)
			e, ok := errors.AsType[*websockets.HandshakeError](err)
			if !ok || e.Status != test.status {
				t.Fatalf("got %v, want %d", err, test.status)
			}
			if test.header != "" && e.Response.Header.Get(test.header) == "" {
				t.Errorf("%s is missing in %v", test.header, e.Response.Header)
			}
			if body, err := io.ReadAll(e.Response.Body); err != nil || test.body != "" && string(body) != test.body {
				t.Errorf("the body is %q, %v", body, err)
			}
		})
	}
}

func TestDeadBackend(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	at, _ := start(t, "ws://"+l.Addr().String())
	_, err = websockets.Dial(t.Context(), at, options())
	if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != http.StatusBadGateway {
		t.Errorf("got %v, want 502", err)
	}
}

func TestWhatIsNoHandshake(t *testing.T) {
	at, _ := start(t, "ws://127.0.0.1:1")
	answer, err := http.Get("http" + strings.TrimPrefix(at, "ws"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUpgradeRequired || answer.Header.Get("Upgrade") != "websocket" {
		t.Errorf("got %s with %v", answer.Status, answer.Header)
	}
}

// rawBackend accepts one connection, sends bytes after the handshake, and reads
// what comes without ever answering.
func rawBackend(t *testing.T, after string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n%s",
			core.AcceptKey(req.Header.Get("Sec-WebSocket-Key")), after)
		io.Copy(io.Discard, r)
	}()
	return "ws://" + l.Addr().String()
}

// What the backend does wrong is not the client's fault.
func TestViolation(t *testing.T) {
	at, _ := start(t, rawBackend(t, "\xf1\x00"))
	client, err := websockets.Dial(t.Context(), at, options())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()
	wantClose(t, client, websockets.BadGateway, "the server behind the proxy was lost")
}

// The proxy answers pings itself: this backend never would.
func TestPingsAreHopByHop(t *testing.T) {
	at, _ := start(t, rawBackend(t, ""))
	client, err := websockets.Dial(t.Context(), at, options())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()
	if _, err := client.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEndToEnd(t *testing.T) {
	got := endToEnd(http.Header{
		"Cookie":                 {"a=b", "c=d"},
		"X-Own":                  {"1"},
		"X-Hop":                  {"1"},
		"Connection":             {"keep-alive, x-hop", "Upgrade"},
		"Keep-Alive":             {"timeout=5"},
		"Upgrade":                {"websocket"},
		"Proxy-Authorization":    {"Basic x"},
		"Te":                     {"trailers"},
		"Transfer-Encoding":      {"chunked"},
		"Content-Length":         {"0"},
		"Sec-Websocket-Key":      {"x"},
		"Sec-Websocket-Protocol": {"one"},
	})
	if want := "map[Cookie:[a=b c=d] X-Own:[1]]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHostPort(t *testing.T) {
	for from, want := range map[string]string{
		"ws://example.com":       "example.com:80",
		"wss://example.com/path": "example.com:443",
		"wss://[::1]":            "[::1]:443",
		"ws://[::1]:9000":        "[::1]:9000",
	} {
		u, err := url.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostPort(u); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}
