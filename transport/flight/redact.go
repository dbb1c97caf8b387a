package flight

import (
	"bytes"
	"strings"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// filler stands for every byte whose value is not kept.
const filler = 'x'

func fill(p []byte) {
	for i := range p {
		p[i] = filler
	}
}

// sameClass holds, for each byte, one that a validator of UTF-8 cannot tell from
// it (https://www.rfc-editor.org/rfc/rfc3629#section-4).
var sameClass = func() (table [256]byte) {
	for i := range table {
		b := byte(i)
		switch {
		case b < 0x80:
			b = filler
		case b < 0xA0:
			b &= 0xF0
		case b < 0xC0:
			b = 0xA0
		case b < 0xC2, b > 0xF4:
			b = 0xFF
		case b < 0xE0:
			b = 0xC2
		case b == 0xE0, b == 0xED, b == 0xF0, b == 0xF4:
		case b < 0xF0:
			b = 0xE1
		default:
			b = 0xF1
		}
		table[i] = b
	}
	return table
}()

// replaceText replaces text so that it is as valid as it was, up to the same
// byte.
func replaceText(p []byte) {
	for i, b := range p {
		p[i] = sameClass[b]
	}
}

// A redactor replaces what may be private in the calls of a connection, so that
// a machine goes through the same states.
type redactor struct {
	client bool
	head   head
	out    frame.Opcode // of the message that goes out in fragments

	changed Call // what call returns
	data    []byte
}

// call returns c without what may be private. Input is redacted already. The
// result is valid until the next call.
func (r *redactor) call(c *Call, done bool) *Call {
	switch c.Op {
	case AppendFragment, AppendMessage, AppendHeader:
		return r.payload(c, done)
	case AppendPing:
		return r.with(c, fill)
	case AppendClose:
		return r.with(c, replaceText)
	case Accept:
		r.changed = *c
		r.changed.Accept.Subprotocol = r.head.tokens(c.Accept.Subprotocol)
		r.changed.Accept.Header = redactFields(c.Accept.Header)
		return &r.changed
	case Reject:
		r.changed = *c
		r.changed.Reject.Header = redactFields(c.Reject.Header)
		r.changed.Reject.Body = bytes.Repeat([]byte{filler}, len(c.Reject.Body))
		return &r.changed
	}
	return c
}

// with returns c with its data replaced.
func (r *redactor) with(c *Call, replace func([]byte)) *Call {
	r.changed = *c
	r.data = append(r.data[:0], c.Data...)
	r.changed.Data = r.data
	replace(r.data)
	return &r.changed
}

func (r *redactor) payload(c *Call, done bool) *Call {
	op := c.Opcode
	if op == frame.Continuation {
		op = r.out
	}
	if done {
		r.out = op
	}
	switch {
	case c.Op == AppendHeader:
		return c
	case op == frame.Text:
		return r.with(c, replaceText)
	}
	return r.with(c, fill)
}

// request returns what a client asks for without what may be private.
func (r *redactor) request(o core.RequestOptions) core.RequestOptions {
	o.Host = redactHost(o.Host)
	o.Target = redactTarget(o.Target)
	o.Subprotocols = append([]string(nil), o.Subprotocols...)
	for i, name := range o.Subprotocols {
		o.Subprotocols[i] = r.head.tokens(name)
	}
	o.Header = redactFields(o.Header)
	return o
}

func redactFields(list []core.Field) []core.Field {
	list = append([]core.Field(nil), list...)
	for i := range list {
		list[i].Value = redactValue(list[i].Value)
	}
	return list
}

// redactValue replaces what is neither white space nor a control character,
// which may not be in a value.
func redactValue(s string) string {
	return mapBytes(s, func(c byte) byte {
		if isVisible(c) {
			return filler
		}
		return c
	})
}

// outsider stands for what may not be in a token, or in a host.
const outsider = '@'

// redactToken replaces what is not white space or a control character: what is
// no token stays none.
func redactToken(s string) string {
	return mapBytes(s, func(c byte) byte {
		switch {
		case strings.IndexByte(tokenBytes, c) >= 0:
			return filler
		case isVisible(c):
			return outsider
		}
		return c
	})
}

// replaceInTarget keeps what may not be in the target of a request.
func replaceInTarget(c byte) byte {
	if isVisible(c) && c != '#' {
		return filler
	}
	return c
}

func isVisible(c byte) bool { return c > ' ' && c < 0x7F }

// mapBytes replaces the bytes of s as replaced says, and those that are not
// ASCII by another that is not.
func mapBytes(s string, replaced func(byte) byte) string {
	p := []byte(s)
	for i, c := range p {
		if c < 0x80 {
			p[i] = replaced(c)
		} else {
			p[i] = 0x80
		}
	}
	return string(p)
}
