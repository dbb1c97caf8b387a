package http2

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/net/http2/hpack"
)

// Reserve holds a place for one stream, which [Conn.OpenStream] takes. It returns
// false if as many are held as the server allows streams at a time, or if the
// connection ends or has ended.
func (c *Conn) Reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.reserved + len(c.opening)
	if c.err != nil || c.goneAway || asked+len(c.streams) >= int(c.settings.maxStreams) || int64(c.lastID)+2*int64(asked)+2 > maxStreamID {
		return false
	}
	c.reserved++
	return true
}

// OpenStream asks the server for a WebSocket, as r says in its URL (with the scheme
// http or https), Host and Header, on a place that Reserve holds. If the answer is
// yes, a status of 2xx, it returns the stream. Any other answer comes with a nil
// stream, and a Body that holds what came of it within a second, at most 4 KiB. An
// error that is [ErrRefused] means that nothing has happened.
//
// The place is the stream's until both sides have ended it, or it is aborted; with
// every other result it is given back.
//
// ctx is for opening alone. When it ends, the request is taken back
// (RST_STREAM, CANCEL) and the connection lives on; but if nothing has come on it for
// the second or more that the request was under way, no more streams are opened: the
// connection may be dead.
func (c *Conn) OpenStream(ctx context.Context, r *http.Request) (*Stream, *http.Response, error) {
	fields, err := requestFields(r)
	if err == nil {
		err = ctx.Err()
	}
	s, err := c.ask(fields, err)
	if err != nil {
		return nil, nil, err
	}
	since, heard := time.Now(), c.heardSoFar()
	select {
	case <-s.question.answered:
	case <-ctx.Done():
		if s.giveUp() {
			return nil, nil, c.doubt(time.Since(since), heard, ctx.Err())
		}
	}
	return s.answer(ctx, r)
}

// silence is how long a connection may say nothing to a request before it is doubted.
const silence = time.Second

func (c *Conn) heardSoFar() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}

// doubt returns the error of a request that was not answered in so long, and opens no
// more streams if nothing at all was heard since.
func (c *Conn) doubt(waited time.Duration, heard uint64, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waited < silence || c.heard != heard {
		return fmt.Errorf("http2: the server has not answered: %w", err)
	}
	c.goneAway = true
	return fmt.Errorf("http2: nothing has come for %v on the connection, which %d others use: %w", waited.Round(time.Second), len(c.streams), err)
}

// ask makes the stream for a request, unless there is an error, and queues it. It
// takes a place.
func (c *Conn) ask(fields []hpack.HeaderField, err error) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reserved == 0 {
		return nil, errNoPlace
	}
	c.reserved--
	if err == nil {
		err = c.mayAsk(fields)
	}
	if err != nil {
		c.rest()
		return nil, err
	}
	s := newStream(c, fields)
	c.opening = append(c.opening, s)
	c.startWriting()
	return s, nil
}

// mayAsk returns why the request cannot be sent. The lock is held.
func (c *Conn) mayAsk(fields []hpack.HeaderField) error {
	switch size := listSize(fields); {
	case c.err != nil:
		return &failure{ErrRefused, c.err}
	case c.goneAway:
		return leftOut(false)
	case len(c.opening)+len(c.streams) >= int(c.settings.maxStreams):
		return &failure{ErrRefused, fmt.Errorf("the server has lowered the number of streams to %d", c.settings.maxStreams)}
	case size > uint64(c.settings.maxHeader):
		return fmt.Errorf("http2: the server takes headers of %d bytes, and the request has %d", c.settings.maxHeader, size)
	}
	return nil
}
