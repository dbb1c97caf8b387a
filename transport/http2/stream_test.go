package http2_test

import (
	"net/http"
	"testing"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestStream(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) { return pair(t) })
}

func TestStreamFromTheServersEnd(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
		b, a = pair(t)
		return a, b
	})
}

// The windows of the server are small, the connection's the smallest possible.
func TestStreamOfSmallWindows(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
		return pair(t, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1000})
	})
}

// The server is that of net/http. Its stream is first: it does not give back the
// window of a stream whose output is blocked, so that one subtest would wait for
// ever the other way round.
func TestStreamOfNetHTTP(t *testing.T) {
	ends := make(chan *http2.HandlerStream)
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		s, err := http2.FromRequest(w, r)
		if err != nil {
			panic(err)
		}
		ends <- s
		<-s.Released()
	})
	streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
		b = open(t, dial(t, addr), "/")
		return <-ends, b
	})
}
