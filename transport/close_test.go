package transport_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/clock/real"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func TestCloseFromThreeWhileTwoReceive(t *testing.T) {
	for _, role := range roles {
		t.Run(role.String(), func(t *testing.T) {
			ends := [2]*transport.Conn{}
			ends[core.Server], ends[core.Client] = pair(t, real.New(), core.Config{}, core.Config{})
			c, other := ends[role], ends[1-role]
			var all sync.WaitGroup
			all.Go(func() {
				err := echo(other)
				if ce, ok := errors.AsType[*transport.CloseError](err); !ok || ce.Code != frame.GoingAway || ce.Local {
					t.Error("the other end:", err)
				}
				other.Close(frame.NormalClosure, "")
			})
			for range 2 {
				all.Go(func() {
					_, _, err := c.Receive(t.Context(), nil)
					if ce, ok := errors.AsType[*transport.CloseError](err); !ok || ce.Code != frame.GoingAway || !ce.Local {
						t.Error("a receiver:", err)
					}
				})
			}
			for range 3 {
				all.Go(func() {
					if err := c.Close(frame.GoingAway, "leaving"); err != nil {
						t.Error("a closer:", err)
					}
				})
			}
			if d := took(all.Wait); d > 3*time.Second {
				t.Errorf("closing took %v", d)
			}
			if err := c.Close(frame.NormalClosure, ""); err != nil {
				t.Error("closing again:", err)
			}
		})
	}
}

// Close returns in time whatever the peer does.
func TestCloseAgainstPeers(t *testing.T) {
	const second = time.Second
	reply := func(p *peer) { p.write(p.closing(frame.NormalClosure)) }
	for _, test := range []struct {
		name           string
		peer           func(p *peer)
		server, client time.Duration // until Close returns
		want           string        // its error
	}{
		{"AnswersAndEnds", func(p *peer) { reply(p); p.s.CloseWrite() }, 0, 0, ""},
		{"AnswersLate", func(p *peer) { time.Sleep(3 * second); reply(p); p.s.CloseWrite() }, 3 * second, 3 * second, ""},
		{"NeverEnds", reply, 5 * second, 5 * second, ""},
		{"NeverAnswers", func(*peer) {}, 5 * second, 5 * second, core.ErrCloseTimeout.Error()},
		{"SendsDataFirst", func(p *peer) {
			for range 100 {
				p.write(p.frame(nil, frame.Binary, true, make([]byte, 5000)))
			}
			time.Sleep(second)
			reply(p)
			p.s.CloseWrite()
		}, 2 * second, 2 * second, ""}, // a second passes until what nobody receives is discarded
		{"SendsDataForEver", func(p *peer) {
			for p.write(p.text(nil, "data")) == nil {
				time.Sleep(time.Millisecond)
			}
		}, 5 * second, 5 * second, core.ErrCloseTimeout.Error()},
		{"EndsWithoutAnswer", func(p *peer) { time.Sleep(second); p.s.CloseWrite() }, second, second,
			"websocket: the connection ended without a close frame: unexpected EOF"},
		{"Resets", func(p *peer) { time.Sleep(second); p.s.Abort() }, second, second,
			"websocket: the connection ended without a close frame: " + pipe.ErrReset.Error()},
		{"AnswersAndResets", func(p *peer) { reply(p); time.Sleep(second); p.s.Abort() }, second, second, ""},
		{"BreaksTheRules", func(p *peer) { p.write(p.violation()); p.s.CloseWrite() }, 0, 0,
			core.ErrReservedBits.Error()},
	} {
		for i, role := range roles {
			t.Run(test.name+role.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c, p := against(t, role, core.Config{})
					var peers sync.WaitGroup
					peers.Go(func() { test.peer(p) })
					got := ""
					d := took(func() {
						if err := c.Close(frame.NormalClosure, ""); err != nil {
							got = err.Error()
						}
					})
					if want := []time.Duration{test.server, test.client}[i]; d != want {
						t.Errorf("Close took %v, want %v", d, want)
					}
					if got != test.want {
						t.Errorf("Close returned %q, want %q", got, test.want)
					}
					if _, err := c.Stream().TryWrite([]byte{0}); err == nil {
						t.Error("the stream was not released")
					}
					p.s.Abort()
					peers.Wait()
				})
			})
		}
	}
}

// Several calls of Close share the work of waiting.
func TestCloseFromMany(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Client, core.Config{})
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := c.Close(frame.NormalClosure, ""); err != nil {
					t.Error(err)
				}
			})
		}
		time.AfterFunc(time.Second, func() { p.write(p.text(nil, "late")) })
		time.AfterFunc(2*time.Second, func() { p.write(p.closing(frame.NormalClosure)); p.s.CloseWrite() })
		if d := took(all.Wait); d != 2*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

// After the closing handshake CloseNow resets nothing that the peer has yet to
// read.
func TestCloseNowAfterTheClosingHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		p.write(p.closing(frame.GoingAway))
		if _, _, err := c.Receive(t.Context(), nil); err == nil {
			t.Fatal("no error")
		}
		c.CloseNow()
		if got := p.frames(p.there()); !equal(got, []received{closeFrame(frame.GoingAway)}) {
			t.Error(got)
		}
	})
}

func TestCloseWithBlockedOutput(t *testing.T) {
	for name, size := range map[string]int{"Queued": 1000, "Direct": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, _ := against(t, core.Server, core.Config{})
				sender := make(chan error)
				go func() {
					for {
						if err := c.Send(t.Context(), frame.Binary, make([]byte, size)); err != nil {
							sender <- err
							return
						}
					}
				}()
				time.Sleep(time.Second)
				d := took(func() {
					if err := c.Close(frame.NormalClosure, ""); err != core.ErrCloseTimeout {
						t.Error(err)
					}
				})
				if d != 5*time.Second {
					t.Errorf("Close took %v", d)
				}
				if err := <-sender; err != core.ErrCloseSent && err != core.ErrCloseTimeout {
					t.Error("the sender:", err)
				}
			})
		})
	}
}

func TestCloseTimeoutIsExactOnTheFakeClock(t *testing.T) {
	clk := new(sim.Clock)
	a, b := pipe.New(0)
	c := open(t, clk, core.Server, core.Config{CloseTimeout: 7 * time.Second}, a)
	ended := make(chan error)
	go func() { ended <- c.Close(frame.NormalClosure, "") }()
	for !b.Readable() {
		time.Sleep(time.Millisecond)
	}
	clk.Advance(7*time.Second - 1)
	if err := c.Err(); err != nil {
		t.Error("too early:", err)
	}
	clk.Advance(1)
	if err := c.Err(); err != core.ErrCloseTimeout {
		t.Error("at the deadline:", err)
	}
	<-ended
}

func TestCloseDuringTheHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := server(t, core.Config{})
		waiting := make(chan error)
		go func() { _, err := c.AwaitRequest(t.Context()); waiting <- err }()
		synctest.Wait()
		if err := c.Close(frame.NormalClosure, ""); err != nil {
			t.Error(err)
		}
		if err := <-waiting; err != transport.ErrClosed {
			t.Error(err)
		}
	})
}

func TestCloseNowInEveryState(t *testing.T) {
	opened := func(t *testing.T) (*transport.Conn, *peer) { return against(t, core.Server, core.Config{}) }
	for name, begin := range map[string]func(t *testing.T) (*transport.Conn, func() error){
		"Idle": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			return c, nil
		},
		"Handshake": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := server(t, core.Config{})
			return c, func() error { _, err := c.AwaitRequest(t.Context()); return err }
		},
		"Receiving": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			return c, func() error { _, _, err := c.Receive(t.Context(), nil); return err }
		},
		"Pinging": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			return c, func() error { _, err := c.Ping(t.Context()); return err }
		},
		"SendingQueued": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			return c, func() error {
				for {
					if err := c.Send(t.Context(), frame.Binary, make([]byte, 1000)); err != nil {
						return err
					}
				}
			}
		},
		"SendingDirect": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			return c, func() error { return c.Send(t.Context(), frame.Binary, make([]byte, 1<<20)) }
		},
		"WaitingForTheTurnToSend": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			go c.Send(t.Context(), frame.Binary, make([]byte, 1<<20))
			synctest.Wait()
			return c, func() error { return c.Send(t.Context(), frame.Binary, make([]byte, 1<<20)) }
		},
		"Closing": func(t *testing.T) (*transport.Conn, func() error) {
			c, _ := opened(t)
			return c, func() error {
				if err := c.Close(frame.NormalClosure, ""); err != nil {
					return err
				}
				return transport.ErrClosed
			}
		},
		"Rejecting": func(t *testing.T) (*transport.Conn, func() error) {
			c, p := server(t, core.Config{})
			p.write([]byte(request))
			if _, err := c.AwaitRequest(t.Context()); err != nil {
				t.Error(err)
			}
			return c, func() error { c.Reject(core.RejectOptions{}); return transport.ErrClosed }
		},
		"Closed": func(t *testing.T) (*transport.Conn, func() error) {
			c, p := opened(t)
			p.write(p.closing(frame.NormalClosure))
			p.s.CloseWrite()
			c.Close(frame.NormalClosure, "")
			return c, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, call := begin(t)
				returned := make(chan error, 1)
				if call != nil {
					go func() { returned <- call() }()
					synctest.Wait()
				}
				if d := took(func() { c.CloseNow(); c.CloseNow() }); d != 0 {
					t.Errorf("CloseNow took %v", d)
				}
				synctest.Wait()
				if call != nil {
					select {
					case err := <-returned:
						if err != transport.ErrClosed {
							t.Error("the call under way returned", err)
						}
					default:
						t.Error("the call under way did not return")
					}
				}
				if _, err := c.Stream().TryWrite([]byte{0}); err == nil {
					t.Error("the stream was not released")
				}
				if !closed(c.Done()) {
					t.Error("not done")
				}
				if _, _, err := c.Receive(t.Context(), nil); err != c.Err() || err == nil {
					t.Error("Receive afterwards:", err)
				}
				if _, ok := c.Err().(*transport.CloseError); ok != (name == "Closed") {
					t.Error(c.Err())
				}
			})
		})
	}
}

// RFC 6455 section 5.5.1: a close is answered, but not before the application
// has seen the messages that came before it.
func TestPeersCloseWhileTheApplicationIsBusy(t *testing.T) {
	for _, role := range roles {
		t.Run(role.String()+"Taken", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, role, core.Config{})
				p.write(append(p.text(p.text(nil, "one"), "two"), p.closing(frame.GoingAway)...))
				receiveText(t, c, "one")
				time.Sleep(2 * time.Second)
				if got := p.there(); len(got) > 0 || c.Err() != nil {
					t.Errorf("answered %x before the second message was seen; %v", got, c.Err())
				}
				if err := c.Send(t.Context(), frame.Text, []byte("answer")); err != nil {
					t.Error("sending while the answer is held:", err)
				}
				receiveText(t, c, "two")
				time.Sleep(time.Second) // the attendant finds that it was taken
				want := []received{{frame.Text, "answer"}, closeFrame(frame.GoingAway)}
				if got := p.frames(p.there()); !equal(got, want) {
					t.Error(got)
				}
			})
		})
		t.Run(role.String()+"NotTaken", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, role, core.Config{CloseTimeout: 4 * time.Second})
				p.write(append(p.text(nil, "one"), p.closing(frame.GoingAway)...))
				start := time.Now()
				var got []byte
				d := took(func() { got = p.await() })
				// Read ahead after half a second, held for the close timeout.
				if want := 4500 * time.Millisecond; d != want {
					t.Errorf("answered after %v, want %v", d, want)
				}
				if list := p.frames(got); !equal(list, []received{closeFrame(frame.GoingAway)}) {
					t.Error(list)
				}
				p.s.CloseWrite()
				time.Sleep(time.Until(start.Add(time.Minute)))
				receiveText(t, c, "one")
				_, _, err := c.Receive(t.Context(), nil)
				if ce, ok := err.(*transport.CloseError); !ok || ce.Code != frame.GoingAway || ce.Local {
					t.Error(err)
				}
			})
		})
	}
}

// Nobody calls Close, nobody receives: the attendant brings it to its end.
func TestAbandonedConnectionsAreReleased(t *testing.T) {
	for _, role := range roles {
		for name, does := range map[string]func(p *peer){
			"PeerCloses": func(p *peer) { p.write(p.closing(frame.NormalClosure)); time.Sleep(time.Second); p.s.CloseWrite() },
			"PeerStays":  func(p *peer) { p.write(p.closing(frame.NormalClosure)) },
			"Violation":  func(p *peer) { p.write(p.violation()) },
			"EOF":        func(p *peer) { p.s.CloseWrite() },
			"Reset":      func(p *peer) { p.s.Abort() },
			"Silence":    func(p *peer) {},
		} {
			t.Run(role.String()+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c, p := against(t, role, core.Config{ConnectionTimeout: 20 * time.Second})
					does(p)
					time.Sleep(30 * time.Second)
					if _, err := c.Stream().TryWrite([]byte{0}); err == nil {
						t.Error("not released:", c.Err())
					}
				})
			})
		}
	}
}

// A close frame that ends a violation reaches a peer that is in the middle of
// writing, since nothing is reset before it has been read.
func TestCloseForAViolationReachesAWriter(t *testing.T) {
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			a, b := sockets(t)
			srv := open(t, real.New(), core.Server, core.Config{}, a)
			cli := open(t, real.New(), core.Client, core.Config{}, b)
			done := make(chan error, 1)
			go func() { err := echo(srv); srv.Close(frame.InternalError, ""); done <- err }()
			if err := cli.Send(context.Background(), frame.Binary, make([]byte, 4<<20)); err != nil {
				t.Error("writing 4 MiB:", err)
			}
			_, _, err := cli.Receive(context.Background(), nil)
			if ce, ok := errors.AsType[*transport.CloseError](err); !ok || ce.Code != frame.MessageTooBig {
				t.Error("the client:", err)
			}
			cli.Close(frame.NormalClosure, "")
			if err := <-done; err != core.ErrFrameTooBig {
				t.Error("the server:", err)
			}
		})
	}
}

// What comes while Close waits can be received, by whoever receives then, or
// later, in order and up to a bound.
func TestMessagesThatComeDuringClose(t *testing.T) {
	for _, when := range []string{"Before", "During", "After"} {
		t.Run(when, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, p := against(t, core.Server, core.Config{})
				var all sync.WaitGroup
				receive := func() {
					for i := range 10 {
						receiveText(t, c, fmt.Sprint("message ", i))
					}
					_, _, err := c.Receive(t.Context(), nil)
					if ce, ok := errors.AsType[*transport.CloseError](err); !ok || !ce.Local {
						t.Error(err)
					}
				}
				if when == "Before" {
					all.Go(receive)
					synctest.Wait()
				}
				all.Go(func() {
					for i := range 10 {
						p.write(p.text(nil, fmt.Sprint("message ", i)))
						time.Sleep(100 * time.Millisecond)
					}
					p.write(p.closing(frame.NormalClosure))
					p.s.CloseWrite()
				})
				if when == "During" {
					time.AfterFunc(500*time.Millisecond, func() { all.Go(receive) })
				}
				if d := took(func() { c.Close(frame.NormalClosure, "") }); d != time.Second {
					t.Errorf("Close took %v", d)
				}
				if when == "After" {
					receive()
				}
				all.Wait()
			})
		})
	}
}

// A flood during Close is bounded; what is given out of it has no holes.
func TestFloodDuringClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, p := against(t, core.Server, core.Config{})
		go func() {
			for i := range 200 {
				p.write(p.text(nil, numberedText(i, 1000)))
			}
			p.write(p.closing(frame.NormalClosure))
			p.s.CloseWrite()
		}()
		if err := c.Close(frame.NormalClosure, ""); err != nil {
			t.Error(err)
		}
		for i := 0; ; i++ {
			_, msg, err := c.Receive(t.Context(), nil)
			if err != nil {
				if i < 50 || i > 66 || err != c.Err() {
					t.Errorf("%d messages, then %v", i, err)
				}
				return
			}
			if string(msg) != numberedText(i, 1000) {
				t.Fatalf("message %d is %.20q", i, msg)
			}
		}
	})
}

// CloseNow after the closing handshake does not destroy what was said in it: a
// client, which must not close the transport first, has answered and goes.
func TestCloseNowAfterTheAnswer(t *testing.T) {
	for _, role := range roles {
		bubble(t, func(t *testing.T) {
			c, p := against(t, role, core.Config{})
			p.write(p.closing(frame.GoingAway))
			if _, _, err := c.Receive(t.Context(), nil); err == nil {
				t.Error("no end")
			}
			c.CloseNow()
			if got := p.frames(p.await()); len(got) != 1 || got[0] != closeFrame(frame.GoingAway) {
				t.Errorf("%v answered %v", role, got)
			}
		})
	}
}
