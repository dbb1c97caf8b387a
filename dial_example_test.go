package websockets_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"

	"github.com/fb1e3c20/websockets"
)

// A proxy of one's own choice, whatever the environment says. The same works
// with https, socks5 and socks5h; http.ProxyURL(nil) uses none.
func ExampleOptions_proxy() {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("Proxy-Authorization")
		fmt.Println(r.Method, r.Host, user)
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	proxyURL, err := url.Parse(proxy.URL)
	if err != nil {
		log.Fatal(err)
	}
	proxyURL.User = url.UserPassword("me", "secret")

	o := websockets.Strict()
	o.Proxy = http.ProxyURL(proxyURL)
	_, err = websockets.Dial(context.Background(), "wss://chat.example/", o)
	fmt.Println(err != nil)
	// Output:
	// CONNECT chat.example:443 Basic bWU6c2VjcmV0
	// true
}

// Any connection carries WebSockets: here one over a Unix socket.
func ExampleOptions_dialContext() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "chat.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, []byte("hello, "+c.Request().Host))
	}, websockets.Strict())}
	go server.Serve(listener)
	defer server.Close()

	o := websockets.Strict()
	o.Proxy = http.ProxyURL(nil)
	o.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	ctx := context.Background()
	c, err := websockets.Dial(ctx, "ws://chat.example/", o)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	_, p, err := c.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", p)
	fmt.Println(c.Close(websockets.NormalClosure, ""))
	// Output:
	// hello, chat.example
	// <nil>
}

// A login sets a cookie, and the WebSocket brings it along: both use one jar.
func ExampleDialer() {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "42"})
	})
	mux.Handle("/chat", websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		session, err := c.Request().Cookie("session")
		if err != nil {
			return c.Send(ctx, websockets.Text, []byte("who are you?"))
		}
		return c.Send(ctx, websockets.Text, []byte("welcome, "+session.Value))
	}, websockets.Strict()))
	server := httptest.NewServer(mux)
	defer server.Close()

	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	client := http.Client{Jar: jar}
	resp, err := client.Get(server.URL + "/login")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()

	o := websockets.Strict()
	o.Jar = jar
	dialer := websockets.Dialer{Options: o}
	ctx := context.Background()
	c, err := dialer.Dial(ctx, server.URL+"/chat")
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	_, p, err := c.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", p)
	fmt.Println(c.Close(websockets.NormalClosure, ""))
	// Output:
	// welcome, 42
	// <nil>
}
