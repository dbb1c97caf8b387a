package websockets_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// socks is the server's side of SOCKS5: what it expects, in order, and what it
// answers to each.
type socks []struct{ want, answer string }

// serve returns what went wrong, and a connection that goes on if nothing did.
func (s socks) serve(conn net.Conn) error {
	for _, step := range s {
		got := make([]byte, len(step.want))
		if n, err := io.ReadFull(conn, got); string(got) != step.want {
			return fmt.Errorf("got % x, %v; want % x", got[:n], err, step.want)
		}
		io.WriteString(conn, step.answer)
	}
	return nil
}

// The messages of RFC 1928 and RFC 1929.
const (
	greeting         = "\x05\x01\x00"
	greetingPassword = "\x05\x02\x00\x02"
	chooseNone       = "\x05\x00"
	choosePassword   = "\x05\x02"
	chooseNothing    = "\x05\xff"
	password         = "\x01\x02me\x06secret"
	passwordOK       = "\x01\x00"
	passwordWrong    = "\x01\x01"
	connectName      = "\x05\x01\x00\x03\x0bexample.com"
	bound            = "\x00\x01\x7f\x00\x00\x01\x12\x34" // 127.0.0.1:4660
	granted          = "\x05\x00" + bound
	refused          = "\x05\x05" + bound
)

func TestProxySOCKS(t *testing.T) {
	for _, test := range []struct {
		name, proxy, url string
		steps            socks
	}{
		{"a name", "socks5://proxy.example.com:1", "ws://example.com/", socks{
			{greeting, chooseNone}, {connectName + "\x00\x50", granted}}},
		{"a name, too", "socks5h://proxy.example.com:1", "ws://example.com:8080/", socks{
			{greeting, chooseNone}, {connectName + "\x1f\x90", granted}}},
		{"TLS", "socks5://proxy.example.com:1", "wss://example.com/", socks{
			{greeting, chooseNone}, {connectName + "\x01\xbb", granted}}},
		{"IPv4", "socks5://proxy.example.com:1", "ws://10.1.2.3:81/", socks{
			{greeting, chooseNone}, {"\x05\x01\x00\x01\x0a\x01\x02\x03\x00\x51", granted}}},
		{"IPv6", "socks5h://proxy.example.com:1", "ws://[2001:db8::1]/", socks{
			{greeting, chooseNone}, {"\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50", granted}}},
		{"IPv6 with a zone", "socks5h://proxy.example.com:1", "ws://[fe80::1%25lo]/", socks{
			{greeting, chooseNone}, {"\x05\x01\x00\x04\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50", granted}}},
		{"password", "socks5://me:secret@proxy.example.com:1", "ws://example.com/", socks{
			{greetingPassword, choosePassword}, {password, passwordOK}, {connectName + "\x00\x50", granted}}},
		{"password that nobody wants", "socks5://me:secret@proxy.example.com:1", "ws://example.com/", socks{
			{greetingPassword, chooseNone}, {connectName + "\x00\x50", granted}}},
		{"bound to a name", "socks5://proxy.example.com:1", "ws://example.com/", socks{
			{greeting, chooseNone}, {connectName + "\x00\x50", "\x05\x00\x00\x03\x03abc\x12\x34"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWeb(t, nil)
			addr := fakeProxy(t, nil, func(conn net.Conn) {
				if err := test.steps.serve(conn); err != nil {
					t.Error(err)
					return
				}
				server := w.plain
				if strings.HasPrefix(test.url, "wss") {
					server = w.secure
				}
				tunnel(conn, server.Listener.Addr().String())
			})
			echoes(t, dial(t, test.url, proxied(t, w, test.proxy, addr)))
		})
	}
}

func TestProxySOCKSRefuses(t *testing.T) {
	const asked = "websocket: cannot connect to ws://example.com/: proxy socks5://proxy.example.com:1: "
	for _, test := range []struct {
		name, user string
		steps      socks
		want       string
	}{
		{"needs a password", "", socks{{greeting, chooseNothing}}, "no acceptable authentication methods"},
		{"wants another method", "me:secret@", socks{{greetingPassword, "\x05\x01"}}, "unsupported authentication method 1"},
		{"wrong password", "me:secret@", socks{{greetingPassword, choosePassword}, {password, passwordWrong}}, "username/password authentication failed"},
		{"connection refused", "", socks{{greeting, chooseNone}, {connectName + "\x00\x50", refused}}, "connection refused"},
		{"another protocol", "", socks{{greeting, "HTTP/1.1 400 Bad Request\r\n\r\n"}}, "unexpected protocol version 72"},
		{"the end", "", nil, "EOF"},
		{"the end in the answer", "", socks{{greeting, chooseNone}, {connectName + "\x00\x50", granted[:5]}}, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWeb(t, nil)
			addr := fakeProxy(t, nil, func(conn net.Conn) {
				if err := test.steps.serve(conn); err != nil {
					t.Error(err)
				}
				if test.steps == nil {
					io.ReadFull(conn, make([]byte, len(greeting)))
				}
			})
			_, err := websockets.Dial(t.Context(), "ws://example.com/", proxied(t, w, "socks5://"+test.user+"proxy.example.com:1", addr))
			wantProxyError(t, err, asked)
			wantProxyError(t, err, test.want)
			t.Log(err)
		})
	}
}

// The socket itself is taken over, and not what the SOCKS client made of it:
// a connection that waits for input costs no goroutine.
func TestProxyConnectionIsASocket(t *testing.T) {
	w := newWeb(t, nil)
	addr := fakeProxy(t, nil, func(conn net.Conn) {
		if (socks{{greeting, chooseNone}, {connectName + "\x00\x50", granted}}).serve(conn) == nil {
			tunnel(conn, w.plain.Listener.Addr().String())
		}
	})
	var dialled net.Conn
	o := proxied(t, w, "socks5://proxy.example.com:1", addr)
	plain := o.DialContext
	o.DialContext = func(ctx context.Context, network, asked string) (net.Conn, error) {
		var err error
		dialled, err = plain(ctx, network, asked)
		return dialled, err
	}
	c := dial(t, "ws://example.com/", o)
	if got := websockets.CarrierOf(c); got != dialled {
		t.Errorf("the carrier is a %T", got)
	}
}
