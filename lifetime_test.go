package websockets

import (
	"context"
	"testing"
)

type lifetimeKey struct{}

// A lifetime is as one of context.WithCancel, whenever it is looked at.
func TestLifetime(t *testing.T) {
	for _, when := range []string{"never", "before the end", "after the end", "before the end of the parent"} {
		t.Run(when, func(t *testing.T) {
			parent, cancel := context.WithCancelCause(context.WithValue(context.Background(), lifetimeKey{}, "value"))
			defer cancel(nil)
			c := &Conn{}
			c.handledIn(parent)
			l := &lifetime{c: c}
			if l.Err() != nil {
				t.Error("it has ended before its end")
			}
			var child context.Context
			derive := func() {
				var end func()
				child, end = context.WithCancel(l)
				t.Cleanup(end)
			}
			switch when {
			case "before the end":
				derive()
				l.end()
			case "after the end":
				l.end()
				derive()
			case "before the end of the parent":
				derive()
				cancel(nil)
			default:
				l.end()
			}
			if l.Err() != context.Canceled || l.Value(lifetimeKey{}) != "value" || context.Cause(l) != context.Canceled {
				t.Errorf("%v, %v, because of %v", l.Err(), l.Value(lifetimeKey{}), context.Cause(l))
			}
			<-l.Done()
			l.end()
			if child != nil {
				<-child.Done()
			}
		})
	}
}

func TestLifetimeEndsWhileSomebodyBeginsToWait(t *testing.T) {
	for range 1000 {
		l := &lifetime{c: &Conn{}}
		go l.end()
		<-l.Done()
		if l.Err() == nil {
			t.Fatal("done without an error")
		}
	}
}
