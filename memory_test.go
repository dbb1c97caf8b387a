//go:build unix

package websockets_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// idleConns is how many connections are measured together.
const idleConns = 500

type echoEvents struct{}

func (echoEvents) OnOpen(context.Context, *websockets.Conn) error { return nil }
func (echoEvents) OnMessage(ctx context.Context, c *websockets.Conn, m websockets.Message) error {
	return c.Send(ctx, m.Type, m.Data)
}
func (echoEvents) OnClose(*websockets.Conn, error) {}

// An idle connection of a server without net/http takes little of the heap. What the
// net package takes for its socket is counted, and what Go takes for its goroutine is not.
func TestIdleConnHeap(t *testing.T) {
	useGoroutines(2 * idleConns)
	socket := socketHeap(t)
	t.Logf("%d bytes a socket of package net", socket)
	for _, test := range []struct {
		name   string
		server *websockets.Server
		most   int
	}{
		{"Events", websockets.HandleEvents(echoEvents{}, strict()), 1550},
		{"Handler", websockets.Handle(echo, strict()), 1550},
		{"Evented", websockets.HandleEvents(echoEvents{}, eventedOptions()), mostEvented()},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := listen(t, test.server)
			openIdle(t, addr).close() // what all connections share
			before := liveHeap()
			clients := make([]idleClient, 0, idleConns)
			for range idleConns {
				clients = append(clients, openIdle(t, addr))
			}
			perConn := (liveHeap()-before)/idleConns - socket
			t.Logf("%d bytes a connection", perConn)
			if perConn > test.most && !raceEnabled {
				t.Errorf("%d bytes of heap a connection, want at most %d", perConn, test.most)
			}
			for _, c := range clients {
				c.close()
			}
			awaitHeap(t, before+idleConns*200)
		})
	}
}

func eventedOptions() *websockets.Options {
	o := strict()
	o.Driver = websockets.Evented
	return o
}

// mostEvented is that of the blocking driver where there is no other.
func mostEvented() int {
	if runtime.GOOS == "linux" {
		return 1050
	}
	return 1550
}

// useGoroutines has Go make what it keeps for that many.
func useGoroutines(n int) {
	var all sync.WaitGroup
	end := make(chan struct{})
	for range n {
		all.Go(func() { <-end })
	}
	close(end)
	all.Wait()
}

// awaitHeap waits until no more than most bytes are in use: the attendant has to come by.
func awaitHeap(t *testing.T, most int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); liveHeap() > most; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d bytes of heap are in use, want at most %d", liveHeap(), most)
		}
	}
}

// listen serves s on a port of its own and returns the address.
func listen(t *testing.T, s *websockets.Server) string {
	t.Helper()
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Shutdown(t.Context())
		if err := <-served; err != http.ErrServerClosed {
			t.Error("Serve:", err)
		}
	})
	return l.Addr().String()
}

// liveHeap returns how many bytes are in use after garbage collections. Two of them
// empty the pools.
func liveHeap() int {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// An idleClient is no more than a socket.
type idleClient struct{ net.Conn }

// openIdle opens a connection that has echoed a message of 128 bytes.
func openIdle(t *testing.T, addr string) idleClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{conn, bufio.NewReader(conn), t}
	r.send(browserRequest + "\r\n")
	if resp, err := http.ReadResponse(r.Reader, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	text := strings.Repeat("a", 128)
	r.send("\x81\xfe\x00\x80\x00\x00\x00\x00" + text) // with a mask of zeros
	r.want("an echo", "\x81\x7e\x00\x80"+text)
	return idleClient{conn}
}

// close ends the connection and waits until the server has.
func (c idleClient) close() {
	c.Conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, c.Conn)
	c.Conn.Close()
}

// socketHeap returns what one socket of the net package takes, from which the client's
// is known.
func socketHeap(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := liveHeap()
	sockets := make([]net.Conn, 0, 2*idleConns)
	for range idleConns {
		a, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, a, b)
	}
	each := (liveHeap() - before) / len(sockets)
	for _, s := range sockets {
		s.Close()
	}
	return each
}
