package raw

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// listen has each connection served until the test ends.
func listen(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	return Target{Addr: l.Addr().String()}
}

// accept does the server's side of a handshake, with as much as the client looks at.
func accept(c net.Conn, r *bufio.Reader) error {
	if _, err := http.ReadRequest(r); err != nil {
		return err
	}
	_, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	return err
}

// next reads a frame with a short payload.
func next(r *bufio.Reader) (op frame.Opcode, p []byte, err error) {
	head, err := r.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	p = make([]byte, 2+4+int(head[1]&0x7f))
	if _, err := io.ReadFull(r, p); err != nil {
		return 0, nil, err
	}
	h, n, err := frame.ParseHeader(p)
	if err != nil {
		return 0, nil, err
	}
	h.Mask.XOR(p[n:], 0)
	return h.Opcode, p[n:], nil
}

// reply writes a frame.
func reply(w io.Writer, op frame.Opcode, p []byte) {
	w.Write(frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: op}, p)) // a client that has gone reads nothing
}

// impatient has servers answer within a moment.
func impatient(t *testing.T) {
	before := patience
	patience = 300 * time.Millisecond
	t.Cleanup(func() { patience = before })
}

// echoes sends back messages, changed, and answers a close frame.
func echoes(change func(p []byte) []byte) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if accept(c, r) != nil {
			return
		}
		for {
			op, p, err := next(r)
			if err != nil {
				return
			}
			if op != frame.Close {
				p = change(p)
			}
			reply(c, op, p)
			if op == frame.Close {
				return
			}
		}
	}
}

func unchanged(p []byte) []byte { return p }

// copies sends back all bytes.
func copies(c net.Conn, r *bufio.Reader) { io.Copy(c, r) }

// silence takes the handshake and says no more.
func silence(c net.Conn, r *bufio.Reader) {
	if accept(c, r) == nil {
		io.Copy(io.Discard, r)
	}
}
