package http2

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// connWindow is what the server may send on all streams together. It is given
	// back when the bytes arrive, so it never stops anybody: what bounds memory are
	// the windows of the streams.
	connWindow = 1 << 30

	// defaultWindow is every window of who has said nothing else, and frameSize
	// the largest frame that everybody takes
	// (https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2).
	defaultWindow = 65535
	frameSize     = 16 << 10

	maxWindow   = math.MaxInt32
	maxStreamID = math.MaxInt32

	// maxHeader is the largest header of a response, as RFC 9113 counts it.
	maxHeader = 32 << 10

	// farewell is how long the server may take to end a connection that this side
	// has ended: closing it at once could destroy what the server has not read.
	farewell = time.Second
)

// A Conn is a connection to a server, as a client, for any number of WebSockets at
// a time. Its methods may be called from any goroutine.
//
// It ends with its last stream: whoever wants one [Conn.Reserve]s a place before, and
// where no place is held any more, the connection says goodbye and closes.
type Conn struct {
	conn    net.Conn
	source  *source    // for the reading goroutine alone
	frames  *h2.Framer // likewise
	settled chan struct{}
	done    chan struct{}
	writers sync.WaitGroup
	write   func() // writeLoop

	mu       sync.Mutex
	err      error       // why it ends; nil while it does not
	hangUp   *time.Timer // runs from then on
	settings settings    // the server's
	reserved int         // places that no stream has yet
	opening  []*Stream   // whose request is not sent
	streams  map[uint32]*Stream
	lastID   uint32 // of the latest request
	greeted  bool   // the server has sent its SETTINGS
	goneAway bool   // the server takes no more streams

	receiveWindow int64 // what the server may send
	sendWindow    int64 // what we may send
	ready         list  // streams that have output and windows
	held          list  // streams that wait for sendWindow

	writing bool         // writeLoop runs
	control bytes.Buffer // frames that go first
	framer  *h2.Framer   // writes into control
	block   bytes.Buffer
	hpack   *hpack.Encoder // writes into block
}

// NewConn begins HTTP/2 on conn, on which it has been agreed (in TLS, by ALPN's
// "h2") or is known beforehand, and waits for the server to say that it takes
// WebSockets, until ctx ends: a server that is silent would keep it waiting. ctx is
// for that alone. conn belongs to the Conn from then on, and is closed also if there
// is an error: [ErrNoExtendedConnect], that of ctx, or how the connection ended.
func NewConn(ctx context.Context, conn net.Conn) (*Conn, error) {
	c := newConn(conn)
	c.greet()
	go c.readLoop()
	select {
	case <-c.settled:
	case <-ctx.Done():
		c.Abort()
		return nil, fmt.Errorf("http2: the server has not said what it takes: %w", ctx.Err())
	}
	if err := c.welcome(); err != nil {
		return nil, err
	}
	return c, nil
}

func newConn(conn net.Conn) *Conn {
	source := &source{conn: conn}
	c := &Conn{
		conn:          conn,
		source:        source,
		frames:        h2.NewFramer(nil, bufio.NewReader(source)),
		settled:       make(chan struct{}),
		done:          make(chan struct{}),
		settings:      defaults,
		streams:       make(map[uint32]*Stream),
		receiveWindow: connWindow,
		sendWindow:    defaultWindow,
	}
	c.write = c.writeLoop
	c.frames.SetReuseFrames()
	c.frames.SetMaxReadFrameSize(frameSize)
	c.frames.MaxHeaderListSize = maxHeader
	c.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.framer = h2.NewFramer(&c.control, nil)
	c.hpack = hpack.NewEncoder(&c.block)
	return c
}

// greet sends what every client begins with
// (https://www.rfc-editor.org/rfc/rfc9113#section-3.4).
func (c *Conn) greet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.control.WriteString(h2.ClientPreface)
	c.framer.WriteSettings(
		h2.Setting{ID: h2.SettingEnablePush, Val: 0},
		h2.Setting{ID: h2.SettingInitialWindowSize, Val: DefaultStreamWindow},
		h2.Setting{ID: h2.SettingMaxHeaderListSize, Val: maxHeader},
	)
	c.framer.WriteWindowUpdate(0, connWindow-defaultWindow)
	c.startWriting()
}

// welcome says what the beginning has come to.
func (c *Conn) welcome() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.settings.connect {
		c.goAway(errNotOffered, h2.ErrCodeNo)
	}
	return c.err
}

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
// (RST_STREAM, CANCEL) and the connection lives on.
func (c *Conn) OpenStream(ctx context.Context, r *http.Request) (*Stream, *http.Response, error) {
	fields, err := requestFields(r)
	if err == nil {
		err = ctx.Err()
	}
	s, err := c.ask(fields, err)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-s.question.answered:
	case <-ctx.Done():
		if s.giveUp() {
			return nil, nil, fmt.Errorf("http2: the server has not answered: %w", ctx.Err())
		}
	}
	return s.answer(ctx, r)
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

// Abort ends the connection at once, and its streams with it.
func (c *Conn) Abort() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(errClosed, 0)
	return nil
}

// Done returns a channel that is closed when the connection has ended and is closed.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns how the connection ended, nil while it has not. When this side has
// ended it, the error wraps [net.ErrClosed].
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr returns the server's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// ConnectionState returns what TLS has agreed on; false if there is no TLS.
func (c *Conn) ConnectionState() (tls.ConnectionState, bool) {
	t, ok := c.conn.(interface{ ConnectionState() tls.ConnectionState })
	if !ok {
		return tls.ConnectionState{}, false
	}
	return t.ConnectionState(), true
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
