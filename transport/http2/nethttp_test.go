package http2_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/fb1e3c20/websockets/transport/http2"
)

// A handler of net/http that returns while its client has not ended its output
// sends END_STREAM and RST_STREAM with NO_ERROR: all that it wrote can be read, and
// then there is the end.
func TestAHandlerThatReturns(t *testing.T) {
	want := random(200_000)
	c := dial(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		s, err := http2.FromRequest(w, r)
		if err != nil {
			panic(err)
		}
		writeAll(s, want)
		s.Close()
		<-s.Released()
	}))
	s := open(t, c, "/")
	if got, err := readAll(s); string(got) != string(want) || err != nil {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	s.Close()
	await(t, "the end of the connection", c.Done())
}

func TestAHandlerThatPanics(t *testing.T) {
	c := dial(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	_, err := readAll(open(t, c, "/"))
	matches(t, "reading", err, http2.ErrAborted, "INTERNAL_ERROR")
	await(t, "the end of the connection", c.Done())
}

func TestAHandlerThatRefuses(t *testing.T) {
	c := dial(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not for "+r.Header.Get(":protocol")+" of "+r.Host, http.StatusForbidden)
	}))
	s, response, err := c.OpenStream(t.Context(), request("/"))
	if s != nil || err != nil || response.StatusCode != http.StatusForbidden {
		t.Fatalf("OpenStream = %v, %+v, %v", s, response, err)
	}
	if body, err := io.ReadAll(response.Body); string(body) != "not for websocket of localhost\n" || err != nil {
		t.Errorf("the body is %q, %v", body, err)
	}
	await(t, "the end of the connection", c.Done())
}

// One after the other, each on a connection that is gone in the end.
func TestManyConnections(t *testing.T) {
	addr := serve(t, echo)
	for range 300 {
		c := dial(t, addr)
		s := open(t, c, "/")
		transfer(t, s, []byte("hello"))
		s.Close()
		await(t, "the end of the connection", c.Done())
	}
}

// One after the other on one connection, which another one keeps.
func TestManyStreams(t *testing.T) {
	c := dial(t, serve(t, echo))
	keep := open(t, c, "/")
	for range 1000 {
		reserve(t, c)
		s := open(t, c, "/")
		transfer(t, s, []byte("hello"))
		s.Close()
	}
	keep.Close()
	await(t, "the end of the connection", c.Done())
}
