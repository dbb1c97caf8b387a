package tcp

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"

	"github.com/fb1e3c20/websockets/transport"
)

// A Poller waits for many sockets at once, so that an idle one has neither a goroutine
// nor a buffer: with epoll, on Linux. Its streams are [transport.Polled], of which
// [transport.Conn.Deliver] makes use.
//
// It has a loop for every two processors that Go uses: fewer loops find more to do each
// time. A loop calls [transport.Waker]s in its own goroutine; when one does not return,
// because a handler computes or waits, another goroutine goes on for the other sockets:
// after 4 to 8 ms, and within a second of such a case after 1 to 2. After two such cases close to
// each other, and for as long as more than one Waker in nine takes a millisecond, each is called
// in a goroutine of its own.
//
// A Poller without sockets has no goroutine and no descriptor: there is nothing to close.
// Its methods may be called from any goroutine.
type Poller struct {
	loops []*loop
	next  atomic.Uint32
}

// ErrNoPoller: this system has none. It wraps [errors.ErrUnsupported].
var ErrNoPoller = fmt.Errorf("tcp: no poller on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// DefaultMaxBusy is how many handlers of a Poller may be busy at a time.
const DefaultMaxBusy = 65536

// NewPoller returns a Poller, or [ErrNoPoller]. maxBusy is how many Wakers may be left to
// their own goroutines at a time, because they have not returned, or those before had not, 0 for
// [DefaultMaxBusy]: beyond it none is called, and input waits in the system, until one
// of them is done.
func NewPoller(maxBusy int) (*Poller, error) {
	if !canPoll {
		return nil, ErrNoPoller
	}
	if maxBusy <= 0 {
		maxBusy = DefaultMaxBusy
	}
	p := &Poller{loops: make([]*loop, (runtime.GOMAXPROCS(0)+1)/2)}
	for i := range p.loops {
		p.loops[i] = newLoop((maxBusy + i) / len(p.loops))
	}
	return p, nil
}

// loop returns whose turn it is.
func (p *Poller) loop() *loop { return p.loops[p.next.Add(1)%uint32(len(p.loops))] }

// Accept accepts a connection of l. Where it is not a plain TCP socket, but one with TLS
// for example, it does what [Listener.AcceptStream] does: that stream is not
// transport.Polled.
func (p *Poller) Accept(l *Listener) (transport.Stream, error) {
	socket, ok := l.listener.(*net.TCPListener)
	if !ok || l.config != nil {
		return l.AcceptStream()
	}
	a, err := l.accepting(p, socket)
	if err != nil {
		return nil, err
	}
	return a.accept(p.loop())
}

// AcceptEach accepts the connections of l, as they come, and calls handle with each: in the
// goroutine of a loop, which saves waking another one. It returns the error with which
// it ends, as that of [Listener.Accept]; after one that is Temporary it may be called
// again. Where [Poller.Accept] would not return a Polled stream, and while another
// AcceptEach has l, it returns [errors.ErrUnsupported]. handle must not end its
// goroutine.
func (p *Poller) AcceptEach(l *Listener, handle func(transport.Stream)) error {
	socket, ok := l.listener.(*net.TCPListener)
	if !ok || l.config != nil {
		return errors.ErrUnsupported
	}
	a, err := l.accepting(p, socket)
	if err != nil {
		return err
	}
	return a.each(p, handle)
}

// Adopt makes a stream of an open connection and owns it from then on, as [FromConn]
// does, and as FromConn where it is not a plain TCP socket. The connection's own
// descriptor is closed: c is of no use any more.
func (p *Poller) Adopt(c net.Conn, buffered []byte) (transport.Stream, error) {
	socket, ok := c.(*net.TCPConn)
	if !ok {
		return fromConn(c, buffered)
	}
	s, err := p.adopt(socket)
	if err != nil {
		return nil, err
	}
	if len(buffered) > 0 {
		return prefixedPolled{newPrefixed(s, buffered), s}, nil
	}
	return s, nil
}

func fromConn(c net.Conn, buffered []byte) (transport.Stream, error) {
	s, err := FromConn(c, buffered)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// prefixedPolled is a prefixed stream that is Polled.
type prefixedPolled struct {
	*prefixed
	polled transport.Polled
}

func (s prefixedPolled) WhenReadable(w transport.Waker) bool {
	return !s.pending() && s.polled.WhenReadable(w)
}
