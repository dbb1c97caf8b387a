package transport

import (
	"context"
	"time"

	"github.com/fb1e3c20/websockets/core"
)

// How much of the body of a refusal is read, and for how long it may take: it
// tells why, but nobody needs it.
const (
	maxRefusal      = 4 << 10
	refusalPatience = time.Second
)

// readRefusal reads the beginning of the body that follows a client's refused
// handshake, with the turn to read.
func (c *Conn) readRefusal(ctx context.Context, r *core.Response) []byte {
	ctx, cancel := context.WithTimeout(ctx, refusalPatience)
	defer cancel()
	body := append([]byte(nil), c.in.unread()...)
	for len(body) < maxRefusal && !r.Ended(body) && !c.atEOF && !c.released && ctx.Err() == nil {
		c.in.release()
		c.read(ctx)
		body = append(body, c.in.unread()...)
	}
	c.in.release()
	return body[:min(len(body), maxRefusal)]
}
