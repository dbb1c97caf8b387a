package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
)

// once runs a world, undisturbed and without latency.
func once(t *testing.T, build func(w *sim.World)) *sim.Result {
	t.Helper()
	tape, err := sim.FromChoices(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := sim.Run(tape, func(w *sim.World) {
		w.Link = sim.Link{}
		build(w)
	}, sim.RunOptions{})
	if r.Failure != nil {
		t.Error(r.Failure)
	}
	return r
}

// recorder notes what an App is told.
type recorder struct{ events []string }

func (r *recorder) OnTimer(*sim.Node, string) {}

func (r *recorder) OnEvent(_ *sim.Node, ev sim.Event) {
	s := ev.Kind.String()
	switch {
	case ev.Kind == sim.Message:
		s += fmt.Sprintf(" %q", ev.Data)
	case ev.Err != nil:
		s += fmt.Sprintf(" %v", ev.Err)
	case ev.Kind == sim.Closed:
		s += fmt.Sprintf(" %d", uint16(ev.Code))
	}
	r.events = append(r.events, s)
}

func (r *recorder) want(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(r.events, ", "); got != strings.Join(want, ", ") {
		t.Errorf("events:\n got %s\nwant %s", got, strings.Join(want, ", "))
	}
}

// facing builds a world of a puppet and an honest end, of the given role, whose
// events are recorded.
func facing(w *sim.World, honest core.Role) (*sim.Puppet, *recorder) {
	r := &recorder{}
	app := func() sim.App { return r }
	if honest == core.Server {
		return w.PuppetClient("puppet", w.Server("end", app)), r
	}
	p := w.PuppetServer("puppet")
	w.Client("end", p.Node, app)
	return p, r
}

func bothRoles(t *testing.T, f func(t *testing.T, honest core.Role)) {
	for _, role := range []core.Role{core.Server, core.Client} {
		t.Run(role.String(), func(t *testing.T) { f(t, role) })
	}
}

func TestPuppetSendsWhatItIsTold(t *testing.T) {
	bothRoles(t, func(t *testing.T, honest core.Role) {
		var r *recorder
		var p *sim.Puppet
		once(t, func(w *sim.World) {
			p, r = facing(w, honest)
			p.Closes = true
			p.OnOpen = func(c *sim.PuppetConn) {
				h := c.Header(frame.Text, false)
				c.SendFrame(h, []byte("he"))
				c.Send(frame.Ping, []byte("1"))
				c.SendFrame(c.Header(frame.Continuation, true), []byte("llo"))
			}
			w.At(time.Second, func() {
				if conns := p.Latest().Conn().Peer().Conns(); len(conns) == 1 {
					conns[0].Close(frame.NormalClosure, "")
				}
			})
			w.Run(time.Minute)
		})
		r.want(t, "Started", "Opened", "Pinged", `Message "hello"`, "Closed 1000")
		var got []string
		for _, f := range p.Latest().Frames() {
			got = append(got, f.String())
		}
		if want := `[pong "1" close 1000]`; fmt.Sprint(got) != want {
			t.Errorf("the puppet received %v, want %s", got, want)
		}
		if ended, lost := p.Latest().Ended(); !ended || lost {
			t.Errorf("Ended() = %t, %t, want true, false", ended, lost)
		}
	})
}

func TestPuppetMayBeWrong(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(c *sim.PuppetConn)
		want core.Error
	}{
		{"reserved bit", func(c *sim.PuppetConn) {
			h := c.Header(frame.Text, true)
			h.RSV2 = true
			c.SendFrame(h, nil)
		}, core.ErrReservedBits},
		{"length not minimal", func(c *sim.PuppetConn) {
			length := byte(126)
			if c.Header(frame.Text, true).Masked {
				length |= 0x80
			}
			c.Write([]byte{0x81, length, 0, 5})
		}, core.ErrLengthNotMinimal},
		{"close code", func(c *sim.PuppetConn) { c.SendClose(frame.Abnormal, "") }, core.ErrCloseCode},
		{"declared length", func(c *sim.PuppetConn) {
			h := c.Header(frame.Binary, true)
			h.Length = 1 << 40
			c.SendHeader(h)
		}, core.ErrFrameTooBig},
	} {
		t.Run(test.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, honest core.Role) {
				var r *recorder
				var p *sim.Puppet
				once(t, func(w *sim.World) {
					p, r = facing(w, honest)
					p.OnOpen = test.send
				})
				r.want(t, "Started", "Opened", "Closed "+test.want.Error())
				frames := p.Latest().Frames()
				if len(frames) == 0 || frames[len(frames)-1].Header.Opcode != frame.Close {
					t.Errorf("the puppet received %v, want a close frame", frames)
				}
			})
		})
	}
	t.Run("mask", func(t *testing.T) {
		bothRoles(t, func(t *testing.T, honest core.Role) {
			var r *recorder
			once(t, func(w *sim.World) {
				var p *sim.Puppet
				p, r = facing(w, honest)
				p.OnOpen = func(c *sim.PuppetConn) {
					h := c.Header(frame.Text, true)
					h.Masked = !h.Masked
					c.SendFrame(h, []byte("x"))
				}
			})
			want := core.ErrMaskRequired
			if honest == core.Client {
				want = core.ErrMaskForbidden
			}
			r.want(t, "Started", "Opened", "Closed "+want.Error())
		})
	})
}

func TestPuppetSaysNothingByItself(t *testing.T) {
	bothRoles(t, func(t *testing.T, honest core.Role) {
		var r *recorder
		var p *sim.Puppet
		once(t, func(w *sim.World) {
			p, r = facing(w, honest)
			w.Run(5 * time.Minute)
		})
		r.want(t, "Started", "Opened", "Closed "+core.ErrConnectionTimeout.Error())
		var pings int
		for _, f := range p.Latest().Frames() {
			if f.Header.Opcode == frame.Ping {
				pings++
			}
		}
		if pings != 3 {
			t.Errorf("%d pings in 58 s, want 3", pings)
		}
	})
}

func TestPuppetAnswersPings(t *testing.T) {
	bothRoles(t, func(t *testing.T, honest core.Role) {
		var r *recorder
		once(t, func(w *sim.World) {
			var p *sim.Puppet
			p, r = facing(w, honest)
			p.Pongs = true
			w.Run(time.Minute)
		})
		r.want(t, "Started", "Opened", "Ponged", "Ponged", "Ponged", "Ponged")
	})
}

func TestPuppetWithoutHandshake(t *testing.T) {
	bothRoles(t, func(t *testing.T, honest core.Role) {
		var r *recorder
		once(t, func(w *sim.World) {
			var p *sim.Puppet
			p, r = facing(w, honest)
			p.NoHandshake = true
			w.At(time.Second, func() { p.Latest().Write([]byte("H")) })
		})
		r.want(t, "Started", "Closed "+core.ErrHandshakeTimeout.Error())
	})
}

func TestPuppetOnABareConnection(t *testing.T) {
	bothRoles(t, func(t *testing.T, honest core.Role) {
		r := &recorder{}
		once(t, func(w *sim.World) {
			app := func() sim.App { return r }
			hello := func(c *sim.PuppetConn) {
				c.SendText("hi")
				c.Close()
			}
			if honest == core.Server {
				p := w.PuppetClient("puppet", w.Server("end", app))
				p.Bare, p.OnOpen = true, hello
				return
			}
			p := w.PuppetServer("puppet")
			p.OnOpen = hello
			w.Client("end", p.Node, app).Bare = true
		})
		r.want(t, "Started", "Opened", `Message "hi"`, "Closed "+core.ErrLost.Error())
	})
}

func TestPuppetEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(c *sim.PuppetConn)
		lost bool
	}{
		{"end of output", (*sim.PuppetConn).End, false},
		{"close", (*sim.PuppetConn).Close, false},
		{"reset", (*sim.PuppetConn).Reset, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, honest core.Role) {
				var r *recorder
				once(t, func(w *sim.World) {
					var p *sim.Puppet
					p, r = facing(w, honest)
					w.At(time.Second, func() { test.end(p.Latest()) })
				})
				r.want(t, "Started", "Opened", "Closed "+core.ErrLost.Error())
			})
		})
	}
}

func TestPuppetThatDoesNotRead(t *testing.T) {
	bothRoles(t, func(t *testing.T, honest core.Role) {
		var r *recorder
		var p *sim.Puppet
		once(t, func(w *sim.World) {
			p, r = facing(w, honest)
			p.OnOpen = func(c *sim.PuppetConn) { c.Hold(true) }
			w.At(time.Second, func() {
				c := p.Latest().Conn().Peer().Conns()[0]
				if err := c.Send(frame.Binary, make([]byte, 100_000)); err != nil {
					t.Error(err)
				}
			})
			for s := 50; s < 70; s += 5 {
				w.At(time.Duration(s)*time.Second, func() { p.Latest().Send(frame.Pong, nil) })
			}
			w.Run(70 * time.Second)
		})
		r.want(t, "Started", "Opened", "Ponged", "Ponged", "Closed "+core.ErrWriteTimeout.Error())
		if n := len(p.Latest().Frames()); n != 0 {
			t.Errorf("the puppet took %d frames", n)
		}
	})
}

func TestPuppetTellsItsScript(t *testing.T) {
	var ended []string
	once(t, func(w *sim.World) {
		p := w.PuppetServer("puppet")
		p.OnFrame = func(c *sim.PuppetConn, f sim.PuppetFrame) { c.SendText("got " + f.String()) }
		p.OnEnd = func(c *sim.PuppetConn, lost bool) { ended = append(ended, fmt.Sprint(c.Name(), " ", lost)) }
		w.Client("end", p.Node, func() sim.App {
			return sim.AppFunc(func(_ *sim.Node, ev sim.Event) {
				switch ev.Kind {
				case sim.Opened:
					ev.Conn.SendText("x")
				case sim.Message:
					if !bytes.Equal(ev.Data, []byte(`got text "x"`)) {
						t.Errorf("message %q", ev.Data)
					}
					ev.Conn.Abort()
				}
			})
		})
	})
	if fmt.Sprint(ended) != "[puppet>end true]" {
		t.Errorf("ends: %v", ended)
	}
}

func TestConnOfAPuppetSendsNothingElse(t *testing.T) {
	once(t, func(w *sim.World) {
		p, _ := facing(w, core.Client)
		p.OnOpen = func(c *sim.PuppetConn) {
			if err := c.Conn().SendText("x"); !errors.Is(err, core.ErrNotOpen) {
				t.Errorf("SendText: %v", err)
			}
			if c.Conn().Ping(nil) == nil || c.Conn().Close(frame.NormalClosure, "") == nil {
				t.Error("the Conn of a puppet sends frames of its own")
			}
		}
	})
}
