package websockets_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	_ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect" // servers take WebSockets over HTTP/2
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A server that takes WebSockets over HTTP/1.1 and HTTP/2, and a client whose sockets
// share one connection.
func Example_http2() {
	server := httptest.NewUnstartedServer(websockets.Handle(echo, websockets.Strict()))
	if err := http2.ConfigureServer(server.Config); err != nil {
		log.Fatal(err)
	}
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	o := websockets.Strict()
	o.TLSConfig = server.Client().Transport.(*http.Transport).TLSClientConfig // trusts the server
	dialer := &websockets.Dialer{Options: o}
	url := strings.Replace(server.URL, "https", "wss", 1)
	var addrs []string
	for range 2 {
		c, err := dialer.Dial(context.Background(), url)
		if err != nil {
			log.Fatal(err)
		}
		defer c.Close(websockets.NormalClosure, "")
		fmt.Println(c.Response().Proto)
		addrs = append(addrs, c.LocalAddr().String())
	}
	fmt.Println("one connection:", addrs[0] == addrs[1])
	// Output:
	// HTTP/2.0
	// HTTP/2.0
	// one connection: true
}

// memory is a Carrier to servers in this process, by host name.
type memory map[string]*pipe.Listener

func (m memory) OpenStream(ctx context.Context, r *http.Request, _ *tls.Config) (transport.Stream, *http.Response, error) {
	l, ok := m[r.URL.Hostname()]
	if !ok {
		return nil, nil, fmt.Errorf("no server is called %q", r.URL.Hostname())
	}
	s, err := l.Dial(ctx)
	return s, nil, err // the handshake is still to be done
}

func ExampleCarrier() {
	l := pipe.Listen(0)
	server := websockets.Handle(echo, websockets.Strict())
	go server.Serve(l)
	defer server.Shutdown(context.Background())

	o := websockets.Strict()
	o.Carrier = memory{"echo": l}
	c, err := websockets.Dial(context.Background(), "ws://echo/", o)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(websockets.NormalClosure, "")
	c.Send(context.Background(), websockets.Text, []byte("hello"))
	_, p, err := c.Receive(context.Background())
	fmt.Printf("%s %v\n", p, err)

	_, err = websockets.Dial(context.Background(), "ws://other/", o)
	fmt.Println(err)
	// Output:
	// hello <nil>
	// websocket: cannot connect to ws://other/: no server is called "other"
}
