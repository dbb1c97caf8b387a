package websockets

import (
	"context"
	"io"

	"github.com/fb1e3c20/websockets/transport"
)

// A Reader reads one message as it comes, without holding it in memory; see
// [Conn.Reader]. It is a value: copies are the same Reader, and none ever reads
// of another message. Its methods may be called from any goroutine.
type Reader struct {
	c *Conn
	r transport.Reader
}

// Reader waits for the next message and returns its type and a Reader of it:
//
//	typ, r, err := c.Reader(ctx)
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	_, err = io.Copy(dst, r)
//
// Until the message has been read to its end or its Reader closed nobody else
// receives, this goroutine included; control frames are dealt with all the
// same. If the connection ends meanwhile, those who wait are told, though what
// came before may be left for a later call. MaxMessageSize bounds the message
// here as well.
//
// ctx bounds this wait and those of the Reader. Its end harms nothing:
// [Reader.WithContext] goes on, or Close skips the message.
func (c *Conn) Reader(ctx context.Context) (MessageType, Reader, error) {
	typ, r, err := c.t.Reader(ctx)
	if err != nil {
		return 0, Reader{}, c.wrap(err)
	}
	return typ, Reader{c, r}, nil
}

// Read reads what has come of the message into p, and waits if nothing has. The
// last bytes of the message come with [io.EOF]. Text is UTF-8 up to where it has
// been read, but for a character that is cut. An *[Error] of the kind ErrMisuse
// says that the Reader was closed, or another one made since; any other one how
// the connection ended.
func (r Reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, r.c.wrap(err)
}

// Close lets others receive. What is left of the message is thrown away, when it
// comes. It does not wait. Closing again, and after the end, does nothing.
func (r Reader) Close() error { return r.r.Close() }

// WithContext returns r with another context: to go on when that of r has
// ended, or to bound what follows.
func (r Reader) WithContext(ctx context.Context) Reader {
	return Reader{r.c, r.r.WithContext(ctx)}
}
