package http2

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
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
	goneAway bool   // no more streams are opened
	heard    uint64 // that have come

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
