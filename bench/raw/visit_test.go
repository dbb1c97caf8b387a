package raw

import (
	"bufio"
	"net"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

func TestVisits(t *testing.T) {
	impatient(t)
	stay := make(chan struct{})
	defer close(stay)
	for name, test := range map[string]struct {
		serve func(net.Conn, *bufio.Reader)
		plain bool
		good  bool
	}{
		"a server":              {echoes(unchanged), false, true},
		"a plain one":           {copies, true, true},
		"a wrong echo":          {echoes(func(p []byte) []byte { return p[1:] }), false, false},
		"no close frame":        {leaves(func(net.Conn) {}), false, false},
		"a message for a close": {leaves(func(c net.Conn) { reply(c, frame.Text, nil) }), false, false},
		"it goes on after it": {leaves(func(c net.Conn) {
			reply(c, frame.Close, []byte{3, 232})
			reply(c, frame.Text, nil)
		}), false, false},
		"it stays after it": {leaves(func(c net.Conn) {
			reply(c, frame.Close, []byte{3, 232})
			<-stay
		}), false, false},
	} {
		server := listen(t, test.serve)
		server.Plain = test.plain
		if err := Visit(server, stream(t, "hello")); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// leaves sends back one message, and answers the next frame in its own way.
func leaves(answer func(net.Conn)) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if accept(c, r) != nil {
			return
		}
		if op, p, err := next(r); err == nil {
			reply(c, op, p)
			next(r)
			answer(c)
		}
	}
}
