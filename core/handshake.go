package core

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core/deflate"
)

// handshake is what only the opening handshake needs, which is released when the
// connection is open, and what it has led to besides.
type handshake struct {
	z      *deflater // if messages are compressed
	lender *Opening  // whose it is, nil if nobody's

	head head
	out  []byte // output that is pending

	request *Request // server: waits for its answer

	response *Response // client
	key      string
	offered  []string
	chosen   string
}

func newClientHandshake(s *Settings, o RequestOptions) (*handshake, error) {
	h := &handshake{key: newKey(s.entropy), offered: append([]string(nil), o.Subprotocols...)}
	var err error
	h.out, err = appendRequest(nil, o, h.key, s.Offers())
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (c *Conn) recvHandshake(in []byte) (n int, ev Event) {
	if c.hs == nil {
		c.hs = &handshake{}
	}
	if c.hs.request != nil {
		return 0, Event{}
	}
	for ev.Kind == EventNone {
		k, done, e := c.hs.head.feed(in[n:], c.set.maxHeadBytes, c.set.maxHeadLines)
		n += k
		switch {
		case e != 0:
			c.failHandshake(e)
			return n, c.takeReport()
		case !done:
			return n, Event{}
		case c.role == Server:
			ev = c.recvRequest()
		default:
			ev = c.recvResponse()
		}
	}
	return n, ev
}

func (c *Conn) recvRequest() Event {
	r := c.hs.room()
	if e := r.parse(string(c.hs.head.bytes())); e != 0 {
		c.failHandshake(e)
		return c.takeReport()
	}
	c.hs.head = head{}
	c.hs.request = r
	if e := r.check(); e != 0 {
		c.failHandshake(e)
		return c.takeReport()
	}
	return Event{Kind: EventRequest}
}

// recvResponse acts on a response; there is no event for one that the answer
// is still to follow.
func (c *Conn) recvResponse() Event {
	r, e := parseResponse(c.hs.head.bytes())
	if e != 0 {
		c.failHandshake(e)
		return c.takeReport()
	}
	if r.interim() {
		c.hs.head.next()
		return Event{}
	}
	c.hs.head = head{}
	c.hs.response = r
	var agreed *deflate.Params
	c.hs.chosen, agreed, e = r.check(c.set, c.hs.key, c.hs.offered)
	if e != 0 {
		c.failHandshake(e)
		return c.takeReport()
	}
	c.hs.agree(agreed)
	c.open()
	return Event{Kind: EventOpen}
}

// failHandshake ends a handshake; a server answers with the status of e.
func (c *Conn) failHandshake(e Error) {
	if c.hs == nil {
		c.hs = &handshake{}
	}
	c.hs.head = head{}
	if c.role == Server && e.Status() != 0 {
		c.hs.out = appendRefusal(c.hs.out, e)
	}
	c.fail(e)
}

// Request returns the client's handshake request between [EventRequest] and
// the answer, nil at other times. After a failed handshake it returns the
// request that was refused, if it was well-formed HTTP.
func (c *Conn) Request() *Request {
	if c.hs == nil {
		return nil
	}
	return c.hs.request
}

// Response returns the server's handshake response, nil while there is none.
// It stays until the Recv after [EventOpen], and after a failed handshake.
func (c *Conn) Response() *Response {
	if c.hs == nil {
		return nil
	}
	return c.hs.response
}

// Subprotocol returns the subprotocol that the server chose, "" for none, to a client, as long
// as [Conn.Response] answers. A server knows what it gave to [Conn.Accept].
func (c *Conn) Subprotocol() string {
	if c.hs == nil {
		return ""
	}
	return c.hs.chosen
}

// Accept answers the request of [EventRequest] with 101 Switching Protocols
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2) and opens the connection.
func (c *Conn) Accept(now clock.Time, o AcceptOptions) error {
	c.advance(now)
	if !c.awaitsAnswer() {
		return ErrNoRequest
	}
	extensions, agreed := c.set.Negotiate(c.hs.request)
	o.Extensions = extensions
	out := c.hs.out
	if n := o.size(); n > cap(out) {
		out = make([]byte, 0, n)
	}
	out, err := AppendAccept(out, c.hs.request, o)
	if err != nil {
		return err
	}
	c.hs.agree(agreed)
	c.hs.out = out
	c.hs.request = nil
	c.open()
	return nil
}

// Reject answers the request of [EventRequest] with an HTTP status, and ends
// the connection: [Conn.Err] returns [ErrRejected]. No event reports it.
func (c *Conn) Reject(now clock.Time, o RejectOptions) error {
	c.advance(now)
	if !c.awaitsAnswer() {
		return ErrNoRequest
	}
	out, err := AppendReject(c.hs.out, o)
	if err != nil {
		return err
	}
	c.hs.out = out
	c.fail(ErrRejected)
	c.flags &^= report
	return nil
}

func (c *Conn) awaitsAnswer() bool {
	return c.phase == phaseHandshake && c.hs != nil && c.hs.request != nil
}

// appendHandshake appends the handshake's pending output.
func (c *Conn) appendHandshake(dst []byte) []byte {
	if c.hs == nil || len(c.hs.out) == 0 {
		return dst
	}
	return c.takeHandshake(dst)
}

//go:noinline
func (c *Conn) takeHandshake(dst []byte) []byte {
	c.unsent += int64(len(c.hs.out))
	dst = append(dst, c.hs.out...)
	if c.hs.lender != nil {
		c.hs.out = c.hs.out[:0]
		return dst
	}
	c.hs.out = nil
	if c.role == Server {
		c.releaseHandshake()
	}
	return dst
}

// releaseHandshake lets go of the handshake once it is done.
//
//go:noinline
func (c *Conn) releaseHandshake() {
	if c.phase != phaseOpen || len(c.hs.out) > 0 {
		return
	}
	if c.hs.z == nil {
		c.hs = nil
		return
	}
	if c.hs.lender == nil {
		*c.hs = handshake{z: c.hs.z}
		return
	}
	c.hs = &handshake{z: c.hs.z}
}
