package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

func TestEcho(t *testing.T) {
	r := &recorder{}
	once(t, func(w *sim.World) {
		client := w.Client("client", w.Server("server", sim.Echo), func() sim.App { return r })
		w.At(time.Second, func() {
			c := client.Conns()[0]
			c.SendText("one")
			c.Send(frame.Binary, []byte("two"))
			c.Close(frame.NormalClosure, "")
		})
	})
	r.want(t, "Started", "Opened", `Message "one"`, `Message "two"`, "Closed 1000")
}

// A client that sends and does not read must hold the echo back, and get
// everything once it reads.
func TestEchoHoldsBack(t *testing.T) {
	const messages, size = 40, 10_000
	r := &recorder{}
	most := 0
	once(t, func(w *sim.World) {
		server := w.Server("server", sim.Echo)
		client := w.Client("client", server, func() sim.App { return r })
		w.Always("bounded", func() error {
			for _, c := range server.Conns() {
				most = max(most, c.Buffered())
			}
			return nil
		})
		for i := range messages {
			w.At(time.Duration(i+1)*100*time.Millisecond, func() {
				c := client.Conns()[0]
				c.Hold(true)
				if err := c.Send(frame.Binary, make([]byte, size)); err != nil {
					t.Error(err)
				}
			})
		}
		w.At(20*time.Second, func() { client.Conns()[0].Hold(false) })
		w.Run(30 * time.Second)
	})
	got := 0
	for _, ev := range r.events {
		if strings.HasPrefix(ev, "Message") {
			got++
		}
	}
	if got != messages {
		t.Errorf("%d of %d messages came back", got, messages)
	}
	if most < 64<<10 || most > 64<<10+2*size {
		t.Errorf("up to %d bytes waited at the echo", most)
	}
}

func TestChat(t *testing.T) {
	ann, bob := &recorder{}, &recorder{}
	once(t, func(w *sim.World) {
		room := w.Server("room", sim.Chat)
		a := w.Client("ann", room, func() sim.App { return ann })
		b := w.Client("bob", room, func() sim.App { return bob })
		w.At(time.Second, func() { a.Conns()[0].SendText("hi") })
		w.At(2*time.Second, func() { b.Conns()[0].SendText("ho") })
		w.At(3*time.Second, func() { b.Conns()[0].Close(frame.NormalClosure, "") })
		w.At(4*time.Second, func() { a.Conns()[0].SendText("gone?") })
		w.Run(5 * time.Second)
	})
	ann.want(t, "Started", "Opened", `Message "hi"`, `Message "ho"`, `Message "gone?"`)
	bob.want(t, "Started", "Opened", `Message "hi"`, `Message "ho"`, "Closed 1000")
}

func TestChatSendsTheSlowAway(t *testing.T) {
	quick, slow := &recorder{}, &recorder{}
	once(t, func(w *sim.World) {
		room := w.Server("room", sim.Chat)
		a := w.Client("quick", room, func() sim.App { return quick })
		b := w.Client("slow", room, func() sim.App { return slow })
		w.At(time.Second, func() { b.Conns()[0].Hold(true) })
		for i := range 40 {
			w.At(time.Second+time.Duration(i)*100*time.Millisecond, func() {
				if err := a.Conns()[0].Send(frame.Binary, make([]byte, 10_000)); err != nil {
					t.Error(err)
				}
			})
		}
		w.At(6*time.Second, func() { b.Conns()[0].Hold(false) })
		w.Run(10 * time.Second)
	})
	if n := len(quick.events); n != 2+40 {
		t.Errorf("the quick member was told of %d events", n)
	}
	if last := slow.events[len(slow.events)-1]; last != "Closed 1013" {
		t.Errorf("the slow member's last event is %s", last)
	}
}

func TestScript(t *testing.T) {
	var did []string
	once(t, func(w *sim.World) {
		act := func(n *sim.Node) { did = append(did, fmt.Sprint(n.Name(), " ", w.Now())) }
		n := w.Server("node", sim.Script(
			sim.Action{At: 2 * time.Second, Do: act},
			sim.Action{At: time.Second, Do: act},
		))
		w.At(1500*time.Millisecond, func() {
			n.Crash(false)
			n.Restart(time.Second)
		})
		w.Run(10 * time.Second)
	})
	if want := "[node 1s node 3.5s node 4.5s]"; fmt.Sprint(did) != want {
		t.Errorf("it acted at %v, want %s", did, want)
	}
}
