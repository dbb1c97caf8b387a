package core

import (
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
)

// openIn does a server's handshake in lent memory.
func openIn(t testing.TB, o *Opening, head string) *end {
	t.Helper()
	e := newTestServer(t, Config{})
	if !e.LendOpening(o) {
		t.Fatal("a new server has no use for an Opening")
	}
	e.recvRaw(head)
	if e.Request() == nil {
		t.Fatal("no request")
	}
	e.accept(AcceptOptions{})
	return e
}

func TestOpeningServesManyConnections(t *testing.T) {
	var o Opening
	var paths []string
	for _, path := range []string{"/one", "/another", "/3"} {
		e := newTestServer(t, Config{})
		e.LendOpening(&o)
		e.recvPiecesRaw("GET "+path+" HTTP/1.1\r\nHost: a\r\n"+sampleGET[len("GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"):]+"\r\n", len(path))
		paths = append(paths, e.Request().Path())
		if e.ReturnOpening() != nil {
			t.Fatal("returned before the answer")
		}
		if err := e.Accept(e.at, AcceptOptions{}); err != nil {
			t.Fatal(err)
		}
		if e.ReturnOpening() != nil {
			t.Fatal("returned before the answer was taken")
		}
		e.drain()
		e.wantOutput(sample101)
		if e.ReturnOpening() != &o || e.hs != nil || e.ReturnOpening() != nil {
			t.Fatal("not returned, or twice")
		}
		if len(o.request.Fields) != 0 || o.request.Fields[:1][0] != (Field{}) || o.request.text != "" {
			t.Error("it keeps the text of a request")
		}
	}
	if paths[0] != "/one" || paths[1] != "/another" || paths[2] != "/3" {
		t.Errorf("the strings of a request have changed: %q", paths)
	}
}

// Recv forgets what nobody asked back: a Conn that is open is as any other.
func TestOpeningThatIsForgotten(t *testing.T) {
	e := openIn(t, &Opening{}, sampleGET+"\r\n")
	e.recv("\x81\x01a")
	if e.hs != nil || e.ReturnOpening() != nil {
		t.Error("the handshake is kept")
	}
}

// What compresses does so in memory of its own.
func TestOpeningOfWhatCompresses(t *testing.T) {
	var o Opening
	e := wrap(t, NewServer(settings(t, Config{Compression: &Compression{Lend: newLender(t)}}), 0))
	e.LendOpening(&o)
	e.recvRaw(sampleGET + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	e.accept(AcceptOptions{})
	if e.ReturnOpening() != &o {
		t.Fatal("not returned")
	}
	if _, ok := e.Compression(); !ok || e.hs == &o.hs {
		t.Error("it does not compress, or in what was lent")
	}
}

func TestOpeningIsOfNoUse(t *testing.T) {
	for name, c := range map[string]*Conn{
		"client":  newTestClient(t, Config{}, RequestOptions{}).Conn,
		"open":    opened(t, Server).Conn,
		"begun":   func() *Conn { e := newTestServer(t, Config{}); e.recvRaw("G"); return e.Conn }(),
		"failed":  func() *Conn { e := newTestServer(t, Config{}); e.RecvEOF(0); return e.Conn }(),
		"refused": func() *Conn { e := newTestServer(t, Config{}); e.recvRaw("\x16"); return e.Conn }(),
	} {
		if c.LendOpening(&Opening{}) {
			t.Errorf("%s: taken", name)
		}
	}
}

// What one connection has another does not get.
func TestOpeningIsLentOnce(t *testing.T) {
	var o Opening
	a, b := newTestServer(t, Config{}), newTestServer(t, Config{})
	if b.LendOpening(nil) {
		t.Error("nil is taken")
	}
	a.LendOpening(&o)
	a.recvRaw(sampleGET + "\r\n")
	if b.LendOpening(&o) || b.Request() != nil {
		t.Error("another one has it too")
	}
	s := a.Snapshot()
	a.accept(AcceptOptions{Header: []Field{{"X", strings.Repeat("x", 2*maxKept)}}})
	if err := s.Accept(0, AcceptOptions{}); err != nil {
		t.Error(err)
	}
	if s.AppendOutput(nil); s.ReturnOpening() != nil {
		t.Error("the copy returns it")
	}
	if a.ReturnOpening() != &o || cap(o.hs.out) > maxKept {
		t.Errorf("it comes back with %d bytes of a response", cap(o.hs.out))
	}
	if !b.LendOpening(&o) {
		t.Error("it is not lent again")
	}
}

// A request that is refused stays, and a copy of a Conn shares nothing with an Opening.
func TestOpeningOfARefusal(t *testing.T) {
	var o Opening
	e := newTestServer(t, Config{})
	e.LendOpening(&o)
	e.recvRaw(sampleGET + "\r\n")
	s := e.Snapshot()
	if err := e.Reject(e.at, RejectOptions{Status: 403}); err != nil {
		t.Fatal(err)
	}
	e.drain()
	if e.ReturnOpening() != nil || e.Request() == nil {
		t.Error("it is returned, or the request has gone")
	}
	o.request.Fields[0] = Field{}
	if s.Request() == nil || s.Request().Host() != "server.example.com" {
		t.Error("the copy shares its request")
	}
}

func TestOpeningAllocatesTheTextAlone(t *testing.T) {
	set := settings(t, Config{})
	o := new(Opening)
	in := []byte(browserRequest)
	out := make([]byte, 0, 512)
	n := testing.AllocsPerRun(100, func() {
		c := NewServer(set, clock.Time(0))
		c.LendOpening(o)
		c.Recv(0, in, nil)
		c.Accept(0, AcceptOptions{})
		out = c.AppendOutput(out[:0])
		o = c.ReturnOpening()
	})
	if n != 2 || len(out) == 0 { // and the Conn
		t.Errorf("%v allocations, want 2", n)
	}
}
