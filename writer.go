package websockets

import (
	"context"

	"github.com/fb1e3c20/websockets/transport"
)

// A Writer sends one message in fragments, without holding it in memory
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.4); see [Conn.Writer]. It is
// a value: copies are the same Writer. Its methods may be called from any
// goroutine.
type Writer struct {
	c *Conn
	w transport.Writer
}

// Writer begins a message, which ends when the Writer is closed:
//
//	w, err := c.Writer(ctx, websockets.Binary)
//	if err != nil {
//		return err
//	}
//	defer w.Cancel() // gives the message up, unless it is closed
//	if _, err := io.Copy(w, src); err != nil {
//		return err
//	}
//	return w.Close()
//
// It must be closed or cancelled. Messages of others, and of this goroutine,
// wait until then; pings, pongs and Conn.Close pass between its fragments.
// Writer waits while another Writer is open. ctx bounds this wait and those of
// the Writer.
func (c *Conn) Writer(ctx context.Context, typ MessageType) (Writer, error) {
	if err := c.inTurn(ctx); err != nil {
		return Writer{}, err
	}
	w, err := c.t.Writer(ctx, typ)
	if err != nil {
		return Writer{}, c.wrap(err)
	}
	return Writer{c, w}, nil
}

// Write sends p as one fragment; more than 32 KiB go in several, and nothing in
// none. Put a [bufio.Writer] before it to make few of many small ones. p is not
// kept. A Text may be cut anywhere, inside a character too. It waits as
// [Conn.Send] does.
//
// When it fails, n bytes of p have been sent and the rest is missing in the
// message. Every later Write returns the same error and Close gives the message
// up, unless the context had ended and a Write of [Writer.WithContext] goes on.
func (w Writer) Write(p []byte) (n int, err error) {
	n, err = w.w.Write(p)
	return n, w.c.wrap(err)
}

// Close ends the message; without a Write before it the message is empty. Once a
// fragment has been sent, Close does not wait. That it returns nil does not say
// that the peer takes the message: how the connection ends does.
//
// A message that cannot be completed, because a Write failed or a Text ends
// within a character, is given up as by Cancel; the error returned tells why.
// Closing again does nothing.
func (w Writer) Close() error { return w.c.wrap(w.w.Close()) }

// Cancel gives the message up. If a fragment of it has been sent, the connection
// goes with it, closed with 1011: the peer must not take a part for the whole.
// After Close it does nothing, so it is good to be deferred.
func (w Writer) Cancel() { w.w.Cancel() }

// WithContext returns w with another context: to go on, with what a Write has
// not sent, when that of w has ended, or to bound what follows.
func (w Writer) WithContext(ctx context.Context) Writer {
	return Writer{w.c, w.w.WithContext(ctx)}
}
