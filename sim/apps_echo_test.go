package sim

import (
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
)

// An Echo keeps nothing of connections that have ended, once it hears anything.
func TestEchoForgets(t *testing.T) {
	plain(t, RunOptions{}, func(w *World) {
		server := w.Server("server", Echo)
		client := w.Client("client", server, quiet)
		for i := range 40 {
			w.At(time.Duration(i+1)*100*time.Millisecond, func() {
				client.Conns()[0].Hold(true) // it reads nothing back
				client.Conns()[0].Send(frame.Binary, make([]byte, 10_000))
			})
		}
		w.At(5*time.Second, func() { server.Conns()[0].Abort() })
		w.At(6*time.Second, func() { client.Dial(server) })
		waits := func() int { return len(server.App().(*echo).waiting) }
		waited := false
		w.Always("waits", func() error { waited = waited || server.Up() && waits() > 0; return nil })
		w.Run(time.Minute)
		if !waited || waits() != 0 || len(server.Conns()) != 1 {
			t.Errorf("messages waited: %t, of a connection that has ended %d; %d connections", waited, waits(), len(server.Conns()))
		}
	})
}
