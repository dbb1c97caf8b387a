package websockets

import (
	"context"
	"net/http"
)

// extras are what an idle connection of a server without net/http mostly does not have, for
// which it then has no memory. They are written before anybody else has the connection.
type extras struct {
	subprotocol string
	response    *http.Response  // of a client
	compression *Compression    // of a client; a server's is that of its Options
	asking      context.Context // of a request that is made of text; nil: the background
	parent      context.Context // of the handler's; likewise
}

// more returns the extras for writing.
func (c *Conn) more() *extras {
	if c.extras == nil {
		c.extras = new(extras)
	}
	return c.extras
}

func (c *Conn) chose(subprotocol string) {
	if subprotocol != "" {
		c.more().subprotocol = subprotocol
	}
}

func (c *Conn) askedIn(ctx context.Context) {
	if ctx != context.Background() {
		c.more().asking = ctx
	}
}

func (c *Conn) handledIn(ctx context.Context) {
	if ctx != context.Background() {
		c.more().parent = ctx
	}
}

func (x *extras) requestContext() context.Context {
	if x == nil || x.asking == nil {
		return context.Background()
	}
	return x.asking
}

func (x *extras) handlerParent() context.Context {
	if x == nil || x.parent == nil {
		return context.Background()
	}
	return x.parent
}

// compression returns what the Options say.
func (c *Conn) compression() *Compression {
	switch {
	case c.server != nil:
		return c.server.options.Compression
	case c.extras != nil:
		return c.extras.compression
	}
	return nil
}
