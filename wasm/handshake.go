package wasm

import (
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// Request returns the client's handshake request, nil while there is none.
func (c *Conn) Request() *core.Request {
	defer c.lock().Unlock()
	if c.request != nil || !c.live() || c.status.flags&abi.FlagRequest == 0 {
		return c.request
	}
	if r := c.record(fnRequest); r != nil {
		c.request = r.Request()
	}
	return c.request
}

// Response returns the server's handshake response, nil while there is none.
func (c *Conn) Response() *core.Response {
	defer c.lock().Unlock()
	c.readResponse()
	return c.response
}

// Subprotocol returns the subprotocol that the server chose, "" for none.
func (c *Conn) Subprotocol() string {
	defer c.lock().Unlock()
	c.readResponse()
	return c.chosen
}

func (c *Conn) readResponse() {
	if c.response != nil || !c.live() || c.status.flags&abi.FlagResponse == 0 {
		return
	}
	if r := c.record(fnResponse); r != nil {
		c.response, c.chosen = r.Response()
	}
}

// record reads a record that the module puts out, nil if it does not.
func (c *Conn) record(fn int) *abi.Reader {
	if c.do(fn, c.handle) <= 0 {
		return nil
	}
	return abi.NewReader(c.x.output())
}

// Accept answers the request with 101 Switching Protocols.
func (c *Conn) Accept(now clock.Time, o core.AcceptOptions) error {
	return c.answer(fnAccept, now, abi.AppendAccept(nil, o))
}

// Reject answers the request with an HTTP status.
func (c *Conn) Reject(now clock.Time, o core.RejectOptions) error {
	return c.answer(fnReject, now, abi.AppendReject(nil, o))
}

func (c *Conn) answer(fn int, now clock.Time, record []byte) error {
	defer c.lock().Unlock()
	if !c.live() {
		return core.ErrNoRequest
	}
	ptr, n, err := c.x.putRecord(record)
	if err != nil {
		return err
	}
	r := c.do(fn, c.handle, uint64(now), ptr, n)
	switch {
	case c.err != nil:
		return c.err
	case r < 0:
		return refusal(abi.Code(-r))
	}
	return nil
}
