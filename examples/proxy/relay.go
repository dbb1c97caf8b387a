package main

import (
	"context"
	"io"
	"sync"

	"github.com/fb1e3c20/websockets"
)

// join passes messages both ways until both connections have ended.
func (p *proxy) join(client, backend *websockets.Conn) {
	leave := context.AfterFunc(p.stopping, func() {
		go client.Close(websockets.GoingAway, "")
		backend.Close(websockets.GoingAway, "")
	})
	defer leave()
	var both sync.WaitGroup
	both.Go(func() { relay(backend, client, websockets.InternalError, "the client was lost") })
	both.Go(func() { relay(client, backend, websockets.BadGateway, "the server behind the proxy was lost") })
	both.Wait()
}

// relay passes what one connection says to another, and at last its close code
// and reason. Where it ended without a close frame, by a loss, a timeout or a
// violation, that is told with the code lost: 1006 is never on the wire.
//
// The closing handshake is each connection's own, too: who sends a close frame
// is answered by the proxy, and does not get what the other end says until it
// learns of it.
func relay(to, from *websockets.Conn, lost websockets.CloseCode, why string) {
	stream(to, from)
	// If it was the other that ended, from is being closed by the relay in the
	// opposite direction, and what it still says has nowhere to go.
	from.Discard()
	<-from.Done()
	if e, ok := from.Err().(*websockets.Error); ok && e.Kind == websockets.ErrClosed {
		lost, why = e.Code, e.Reason
	}
	to.Close(lost, why)
}

// stream passes messages on as they come, until one of the connections ends. It
// reads no faster than it can write: that is all that backpressure takes.
func stream(to, from *websockets.Conn) error {
	ctx := context.Background()
	buf := make([]byte, 32<<10)
	for {
		typ, r, err := from.Reader(ctx)
		if err != nil {
			return err
		}
		w, err := to.Writer(ctx, typ)
		if err != nil {
			return err
		}
		// A message that breaks off is left open: the close frame that relay
		// sends may stand in its middle, and tells more than w.Close would.
		if _, err := io.CopyBuffer(w, r, buf); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}
