package transport

import "context"

// A Lasting context ends after the connection has: nothing need watch it for a Receive,
// which takes half a kilobyte.
type Lasting interface {
	context.Context

	// OutlivesConn does nothing.
	OutlivesConn()
}

// watch makes the end of a context kick the reader. One registration serves
// all calls that bring the same context, so that a loop of Receive pays for it
// once. It belongs to whoever has the turn to read.
type watch struct {
	done   <-chan struct{}
	cancel func() bool
}

func (c *Conn) watchFor(ctx context.Context) {
	var done <-chan struct{}
	if _, lasts := ctx.(Lasting); !lasts {
		done = ctx.Done()
	}
	if c.seldom == nil && done == nil {
		return
	}
	w := &c.rarely().watch
	if done == w.done {
		return
	}
	w.stop()
	w.done = done
	if done != nil {
		w.cancel = context.AfterFunc(ctx, c.stream.KickRead)
	}
}

func (w *watch) stop() {
	if w.cancel != nil {
		w.cancel()
	}
	*w = watch{}
}
