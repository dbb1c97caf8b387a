//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// Package websockets, in this process, talks to foreign peers: here both ends
// can be asked what they saw.

// A library is a connection of package websockets, seen as an end.
type library struct {
	t    *testing.T
	conn *websockets.Conn
}

func (l library) context() context.Context {
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	l.t.Cleanup(cancel)
	return ctx
}

func (l library) send(kind string, data []byte) {
	l.t.Helper()
	var err error
	switch kind {
	case "text":
		err = l.conn.Send(l.context(), websockets.Text, data)
	case "binary":
		err = l.conn.Send(l.context(), websockets.Binary, data)
	case "ping":
		_, err = l.conn.Ping(l.context())
	}
	if err != nil {
		l.t.Fatalf("send %s: %v", kind, err)
	}
}

func (l library) close(code int, reason string) {
	l.t.Helper()
	if err := l.conn.Close(websockets.CloseCode(code), reason); err != nil {
		l.t.Fatalf("close: %v", err)
	}
}

func (l library) next() event {
	l.t.Helper()
	typ, data, err := l.conn.Receive(l.context())
	if err != nil {
		return l.ended(err)
	}
	kind := "text"
	if typ == websockets.Binary {
		kind = "binary"
	}
	return event{Kind: kind, Data: data}
}

func (l library) ended(err error) event {
	l.t.Helper()
	var end *websockets.Error
	if !errors.As(err, &end) || end.Kind != websockets.ErrClosed {
		l.t.Fatalf("the connection ended with %v", err)
	}
	return event{Kind: "close", Code: int(end.Code), Reason: end.Reason}
}

// A meeting opens a connection between the library and a foreign peer.
type meeting func(t *testing.T) (library, peer)

// meet does everything with connections that two ends can do.
func meet(t *testing.T, pings bool, open meeting) {
	ours, theirs := open(t)
	converse(t, ours, theirs, "text", "binary")
	if pings {
		ours.send("ping", nil)
		if e := theirs.next(); e.Kind != "ping" {
			t.Fatalf("got %v, want a ping", e)
		}
		data := payload("binary", 125)
		theirs.send("ping", data)
		want(t, theirs, event{Kind: "pong", Data: data})
	}
	theirs.close(4001, "they go, tschüß")
	want(t, ours, event{Kind: "close", Code: 4001, Reason: "they go, tschüß"})
	wantClose(t, theirs, 4001)

	ours, theirs = open(t)
	ours.close(4002, "we go, tschüß")
	want(t, theirs, event{Kind: "close", Code: 4002, Reason: "we go, tschüß"})
	if e := ours.ended(ours.conn.Err()); e.Code != 4002 {
		t.Errorf("ours ended with %v", e)
	}
}

// accepting is a handler that accepts connections at /ws, as options say at that moment,
// and hands them over.
func accepting(t *testing.T, options func() *websockets.Options) (h http.Handler, accepted <-chan *websockets.Conn) {
	conns := make(chan *websockets.Conn, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			return
		}
		c, err := websockets.Accept(w, r, options())
		if err != nil {
			t.Error(err)
			return
		}
		conns <- c
		<-c.Done()
		c.Close(websockets.NormalClosure, "") // over HTTP/2 the handler must stay until all is out
	}), conns
}

// serving starts a server for such a handler.
func serving(t *testing.T, options func() *websockets.Options) (url string, accepted <-chan *websockets.Conn) {
	h, accepted := accepting(t, options)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return "ws" + s.URL[len("http"):] + "/ws", accepted
}

func TestLibraryServer(t *testing.T) {
	url, accepted := serving(t, websockets.Strict)
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			meet(t, i.pings, func(t *testing.T) (library, peer) {
				theirs := i.try(t, url)
				want(t, theirs, event{Kind: "open"})
				c := <-accepted
				t.Cleanup(func() { c.CloseNow() })
				return library{t, c}, theirs
			})
		})
	}
}

func TestLibraryClient(t *testing.T) {
	for _, i := range foreignServers {
		direct := func(t *testing.T, host string) string { return host }
		for name, via := range map[string]func(*testing.T, string) string{"": direct, " behind nginx": nginx} {
			t.Run(i.name+name, func(t *testing.T) {
				theirs, host := i.listen(t)
				url := "ws://" + via(t, host) + "/any?path=1"
				meet(t, true, func(t *testing.T) (library, peer) {
					c, err := websockets.Dial(library{t: t}.context(), url, websockets.Strict())
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { c.CloseNow() })
					want(t, theirs, event{Kind: "open"})
					return library{t, c}, theirs
				})
			})
		}
	}
}
