package raw

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// hold opens a crowd, and holds it until the statistics are as wanted, or for a moment
// if they never are.
func hold(t *testing.T, server Target, n int, ping time.Duration, want CrowdStats) {
	t.Helper()
	c := NewCrowd(server)
	defer c.Close()
	if err := c.Open("127.0.0.1", n); err != nil {
		t.Fatal(err)
	}
	done, held := make(chan struct{}), make(chan error, 1)
	go func() { held <- c.Hold(done, ping) }()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		s := c.Stats()
		if s.Open == want.Open && s.Lost == want.Lost && s.Pings >= want.Pings {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%+v; want %+v", s, want)
			break
		}
	}
	close(done)
	if err := <-held; err != nil {
		t.Error(err)
	}
}

// after greets as a crowd expects, and goes on with do.
func after(do func(c net.Conn, r *bufio.Reader)) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if accept(c, r) != nil {
			return
		}
		op, p, err := next(r)
		if err != nil {
			return
		}
		reply(c, op, p)
		do(c, r)
	}
}

func TestACrowdSendsPings(t *testing.T) {
	pongs := func(c net.Conn, r *bufio.Reader) {
		for {
			op, p, err := next(r)
			if err != nil || op != frame.Ping {
				return
			}
			reply(c, frame.Pong, p)
		}
	}
	hold(t, listen(t, after(pongs)), 5, 10*time.Millisecond, CrowdStats{Open: 5, Pings: 50})
	hold(t, Target{Addr: listen(t, copies).Addr, Plain: true}, 5, 10*time.Millisecond, CrowdStats{Open: 5, Pings: 50})
}

// Pings may come in pieces.
func TestACrowdAnswersPings(t *testing.T) {
	pings := func(c net.Conn, r *bufio.Reader) {
		for range 3 {
			p := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Ping}, []byte("there?"))
			c.Write(p[:3])
			time.Sleep(time.Millisecond)
			c.Write(p[3:])
			if op, p, err := next(r); err != nil || op != frame.Pong || string(p) != "there?" {
				reply(c, frame.Text, []byte("what?"))
				return
			}
		}
		r.Peek(1)
	}
	hold(t, listen(t, after(pings)), 4, 0, CrowdStats{Open: 4, Pings: 12})
}

func TestACrowdLosesConnections(t *testing.T) {
	for name, do := range map[string]func(net.Conn, *bufio.Reader){
		"that end":      func(net.Conn, *bufio.Reader) {},
		"that chat":     func(c net.Conn, r *bufio.Reader) { reply(c, frame.Text, nil); r.Peek(1) },
		"that say bye":  func(c net.Conn, r *bufio.Reader) { reply(c, frame.Close, nil); r.Peek(1) },
		"that mumble":   func(c net.Conn, r *bufio.Reader) { c.Write([]byte{0x8a, 0x80, 0, 0, 0, 0}); r.Peek(1) },
		"that are rude": func(c net.Conn, r *bufio.Reader) { c.Write([]byte{0x83, 0}); r.Peek(1) },
	} {
		t.Run(name, func(t *testing.T) {
			hold(t, listen(t, after(do)), 2, 0, CrowdStats{Lost: 2})
		})
	}
}

// What was opened before an error stays open, and is told.
func TestACrowdThatCannotOpen(t *testing.T) {
	impatient(t)
	few := make(chan struct{}, 3)
	server := listen(t, after(func(_ net.Conn, r *bufio.Reader) { r.Peek(1) }))
	picky := listen(t, func(c net.Conn, r *bufio.Reader) {
		select {
		case few <- struct{}{}:
			after(func(_ net.Conn, r *bufio.Reader) { r.Peek(1) })(c, r)
		default:
			c.Write([]byte("HTTP/1.1 503 Service Unavailable\r\n\r\n"))
			r.Peek(1 << 12)
		}
	})
	for name, test := range map[string]struct {
		server Target
		from   string
		want   int64
		err    string
	}{
		"an address that is not ours": {server, "192.0.2.1", 0, "assign requested address"},
		"no address":                  {server, "nowhere", 0, "nowhere"},
		"a silent server":             {listen(t, silence), "127.0.0.1", 0, "no answer within"},
		"a full server":               {picky, "127.0.0.1", 3, "connection 4: the status is 503"},
		"a server that lies":          {listen(t, echoes(func([]byte) []byte { return []byte("olleh") })), "127.0.0.1", 0, "the server sends"},
	} {
		c := NewCrowd(test.server)
		err := c.Open(test.from, 5)
		if err == nil || !strings.Contains(err.Error(), test.err) || c.Stats().Open != test.want {
			t.Errorf("%s: %+v, %v; want %q", name, c.Stats(), err, test.err)
		}
		c.Close()
	}
}
