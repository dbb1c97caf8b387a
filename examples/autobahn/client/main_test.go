package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// fuzzer is a fuzzing server with cases of its own.
type fuzzer struct {
	sockets *websockets.Server
	cases   []func(http.ResponseWriter, *http.Request)

	mu  sync.Mutex
	log []string
}

func (f *fuzzer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f.mu.Lock()
	f.log = append(f.log, strings.TrimSpace(fmt.Sprint(r.URL.Path, " ", q.Get("case"), " ", q.Get("agent"))))
	f.mu.Unlock()
	switch r.URL.Path {
	case "/getCaseCount":
		f.accept(func(c *websockets.Conn) {
			c.Send(context.Background(), websockets.Text, strconv.AppendInt(nil, int64(len(f.cases)), 10))
		})(w, r)
	case "/runCase":
		n, err := strconv.Atoi(q.Get("case"))
		if err != nil || n < 1 || n > len(f.cases) {
			http.NotFound(w, r)
			return
		}
		f.cases[n-1](w, r)
	case "/updateReports":
		f.accept(func(*websockets.Conn) {})(w, r)
	default:
		http.NotFound(w, r)
	}
}

// accept opens the connection, and closes it when act is done.
func (f *fuzzer) accept(act func(*websockets.Conn)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := f.sockets.Accept(w, r)
		if err != nil {
			return
		}
		act(c)
		c.Close(websockets.NormalClosure, "")
	}
}

// wire answers the handshake with raw bytes and leaves the rest to act.
func wire(answer string, act func(*net.TCPConn)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, answer)
		act(c.(*net.TCPConn))
	}
}

func silence(c *net.TCPConn) { io.Copy(io.Discard, bufio.NewReader(c)) }

func reset(c *net.TCPConn) { c.SetLinger(0) }

func TestClient(t *testing.T) {
	f := &fuzzer{sockets: &websockets.Server{Options: websockets.Strict()}}
	echoed := make(chan string, 1)
	f.cases = []func(http.ResponseWriter, *http.Request){
		f.accept(func(c *websockets.Conn) {
			c.Send(context.Background(), websockets.Binary, []byte("again"))
			_, p, _ := c.Receive(context.Background())
			echoed <- string(p)
		}),
		func(w http.ResponseWriter, r *http.Request) { http.Error(w, "not now", http.StatusServiceUnavailable) },
		wire("220 mail.example ESMTP\r\n", silence),
		wire("", reset),
		wire("", silence),
		f.accept(func(c *websockets.Conn) { c.CloseNow() }),
		f.accept(func(c *websockets.Conn) { // silent until the client gives up
			c.Receive(context.Background())
		}),
		f.accept(func(c *websockets.Conn) { c.Close(4000, "enough") }),
		f.accept(func(c *websockets.Conn) { c.Send(context.Background(), websockets.Binary, make([]byte, 2000)) }),
	}
	s := httptest.NewServer(f)
	defer s.Close()
	var progress bytes.Buffer
	c, err := newClient("ws"+strings.TrimPrefix(s.URL, "http"), "agent & co", 1000, "ct", &progress)
	if err != nil {
		t.Fatal(err)
	}
	c.caseTime = 500 * time.Millisecond
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"/getCaseCount"}
	for n := range f.cases {
		want = append(want, fmt.Sprintf("/runCase %d agent & co", n+1))
	}
	want = append(want, "/updateReports  agent & co")
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.log, want) {
		t.Errorf("requests:\n%s\nwant:\n%s", strings.Join(f.log, "\n"), strings.Join(want, "\n"))
	}
	if got := <-echoed; got != "again" {
		t.Errorf("case 1 got %q back", got)
	}
	if n := strings.Count(progress.String(), "\n"); n != len(f.cases) {
		t.Errorf("%d lines of progress:\n%s", n, &progress)
	}
	f.sockets.Shutdown(context.Background())
}

// Without a count of cases or a report there is no success.
func TestClientFails(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c, err := newClient("ws"+strings.TrimPrefix(s.URL, "http"), "agent", 0, "off", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.run(t.Context()); err == nil || !strings.Contains(err.Error(), "getCaseCount") {
		t.Errorf("got %v", err)
	}
}

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		url        string
		maxMessage int64
	}{
		{"127.0.0.1:9001", 1},
		{"http://127.0.0.1:9001", 1},
		{"ws://", 1},
		{"ws://127.0.0.1:9001", -1},
		{"ws://127.0.0.1:9001", 1<<30 + 1},
	} {
		if _, err := newClient(c.url, "agent", c.maxMessage, "off", io.Discard); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
