package main

import (
	"context"
	"errors"
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
// Options.HoldClose is set on both: who closes is answered when the other end
// has answered, with what that said, and hears all that it says until then. If
// there is no answer within the CloseTimeout, the proxy gives one.
func relay(to, from *websockets.Conn, lost websockets.CloseCode, why string) {
	err := stream(to, from)
	if err == nil {
		from.Discard() // it is being closed by the relay in the opposite direction
		return
	}
	if e, ok := errors.AsType[*websockets.Error](err); ok && e.Kind == websockets.ErrClosed {
		lost, why = e.Code, e.Reason
	}
	to.Close(lost, why)
}

// stream passes messages on as they come, until one of the connections ends; the
// error tells how from did, and is nil if it was to. It reads no faster than it
// can write: that is all that backpressure takes.
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
			return nil
		}
		// A message that breaks off is left open: the close frame that relay
		// sends may stand in its middle, and tells more than w.Close would.
		if err := pass(w, r, buf); err != nil || w.Close() != nil {
			return err
		}
	}
}

// pass passes a message on. The error is that of reading; that of writing shows
// when the message is closed.
func pass(w io.Writer, r io.Reader, buf []byte) error {
	for {
		n, err := r.Read(buf)
		if _, failed := w.Write(buf[:n]); failed != nil || err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
