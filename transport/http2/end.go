package http2

import (
	"io"
	"slices"
	"time"

	h2 "golang.org/x/net/http2"
)

// farewell is how long the server may take to end a connection that this side has
// ended: closing it at once could destroy what the server has not read.
const farewell = time.Second

// Abort ends the connection at once, and its streams with it.
func (c *Conn) Abort() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(errClosed, 0)
	return nil
}

// forget is the end of a stream. The lock is held.
func (c *Conn) forget(s *Stream) {
	if s.id == 0 {
		c.opening = slices.DeleteFunc(c.opening, func(other *Stream) bool { return other == s })
	}
	delete(c.streams, s.id)
	c.rest()
}

// rest ends the connection if nobody needs it any more. The lock is held.
func (c *Conn) rest() {
	if c.reserved+len(c.opening)+len(c.streams) == 0 {
		c.goAway(errClosed, h2.ErrCodeNo)
	}
}

// goAway ends the connection because of err and tells the server
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.8). The lock is held.
func (c *Conn) goAway(err error, code h2.ErrCode) {
	if c.err != nil {
		return
	}
	c.framer.WriteGoAway(0, code, nil)
	c.end(err, farewell)
}

// end ends the connection because of err, and what is left of it after so long. The
// lock is held.
func (c *Conn) end(err error, patience time.Duration) {
	if c.err != nil {
		if patience == 0 {
			c.hangUp.Reset(0)
		}
		return
	}
	c.err = err
	for _, s := range c.opening {
		s.lose(&failure{ErrRefused, err})
	}
	for _, s := range c.streams {
		s.lose(err)
	}
	c.opening, c.streams = nil, nil
	c.hangUp = time.AfterFunc(patience, func() { c.conn.Close() })
	c.settle()
	c.startWriting() // which tells the server
}

// settle lets NewConn go on. The lock is held.
func (c *Conn) settle() {
	select {
	case <-c.settled:
	default:
		close(c.settled)
	}
}

// readLoop reads until the connection ends, and closes it.
func (c *Conn) readLoop() {
	for c.readFrame() {
	}
	io.Copy(io.Discard, c.conn) // the server ends the connection, or hangUp does
	c.conn.Close()
	c.hangUp.Stop()
	c.writers.Wait()
	close(c.done)
}
