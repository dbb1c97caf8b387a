package transport_test

import (
	"testing"
	"testing/synctest"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A lent machine tells what has been lent to it.
type lent struct {
	*core.Conn
	taken, returned int
}

func (m *lent) LendOpening(o *core.Opening) bool {
	if !m.Conn.LendOpening(o) {
		return false
	}
	m.taken++
	return true
}

func (m *lent) ReturnOpening() *core.Opening {
	o := m.Conn.ReturnOpening()
	if o != nil {
		m.returned++
	}
	return o
}

// A handshake borrows its memory when something has come, and gives it back with its answer.
func TestHandshakeBorrows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := pipe.New(0)
		clk := real.New()
		m := &lent{Conn: core.NewServer(settings(t, core.Config{}), clk.Now())}
		c := transport.NewConn(m, a, transport.NewAttendant(clk))
		defer c.CloseNow()
		asked := make(chan error)
		go func() {
			_, err := c.AwaitRequest(t.Context())
			asked <- err
		}()
		synctest.Wait()
		if m.taken != 0 {
			t.Error("a silent client is lent memory")
		}
		for _, part := range []string{request[:10], request[10:]} {
			b.TryWrite([]byte(part))
			synctest.Wait()
		}
		if err := <-asked; err != nil || m.taken != 1 || m.returned != 0 {
			t.Fatalf("%v; lent %d times, returned %d times", err, m.taken, m.returned)
		}
		if err := c.Accept(core.AcceptOptions{}); err != nil || m.returned != 1 {
			t.Errorf("%v; returned %d times", err, m.returned)
		}
	})
}
