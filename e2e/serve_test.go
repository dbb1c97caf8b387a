//go:build e2e

package e2e

import (
	"os"
	"testing"
)

// Foreign clients talk to websockets serve.

func TestServeEchoes(t *testing.T) { testEchoes(t, serve(t)) }

func testEchoes(t *testing.T, s server) {
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			c := i.connect(t, s.url("/echo"))
			echoes(t, c)
			c.close(1000, "")
			wantClose(t, c, 1000)
		})
	}
}

func TestServeAnswersPings(t *testing.T) { testAnswersPings(t, serve(t)) }

func testAnswersPings(t *testing.T, s server) {
	for _, i := range foreignClients {
		if !i.pings {
			continue
		}
		t.Run(i.name, func(t *testing.T) {
			c := i.connect(t, s.url("/echo"))
			data := payload("binary", 125)
			c.send("ping", data)
			want(t, c, event{Kind: "pong", Data: data})
		})
	}
}

// Every client answers pings, so none is lost although it says nothing for
// longer than the connection timeout.
func TestServePings(t *testing.T) {
	s := serve(t, "--ping-interval", "500ms", "--connection-timeout", "2s")
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			c := i.connect(t, s.url("/echo"))
			if i.pings {
				for range 8 {
					if e := c.next(); e.Kind != "ping" {
						t.Fatalf("got %v, want a ping", e)
					}
				}
			} else {
				idle(t, c)
			}
			c.send("text", []byte("still here"))
			await(t, c, "text", "still here")
		})
	}
}

func TestServeAnswersClose(t *testing.T) { testAnswersClose(t, serve(t)) }

func testAnswersClose(t *testing.T, s server) {
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			for _, code := range []int{1000, 3000, 4999} {
				c := i.connect(t, s.url("/echo"))
				c.close(code, "good bye, füreinander")
				wantClose(t, c, code)
			}
		})
	}
}

func TestServeChats(t *testing.T) {
	s := serve(t)
	for n, i := range foreignClients {
		other := foreignClients[(n+1)%len(foreignClients)]
		t.Run(i.name+" and "+other.name, func(t *testing.T) {
			a, b := i.connect(t, s.url("/chat")), other.connect(t, s.url("/chat"))
			// A client is open a moment before it is in the room: its own
			// message tells it that it is.
			for _, p := range []peer{a, b} {
				p.send("text", []byte("here"))
				await(t, p, "text", "here")
			}
			a.send("text", []byte("hello from a"))
			await(t, b, "text", "hello from a")
			b.send("text", []byte("hello from b"))
			await(t, a, "text", "hello from b")
		})
	}
}

// One server, many kinds of clients, an interrupt: all hear 1001.
func TestServeSaysGoingAway(t *testing.T) {
	s := serve(t)
	var clients []peer
	for _, i := range foreignClients {
		for _, path := range []string{"/echo", "/chat"} {
			clients = append(clients, i.connect(t, s.url(path)))
		}
	}
	s.signal(os.Interrupt)
	for _, c := range clients {
		for e := c.next(); ; e = c.next() {
			if e.Kind == "text" {
				continue
			}
			if e.Kind != "close" || e.Code != 1001 {
				t.Errorf("%s: got %v, want close 1001", c.name(), e)
			}
			break
		}
	}
	s.exit(0)
}
