package transport

import (
	"sync"

	"github.com/fb1e3c20/websockets/core"
)

// openings are lent to servers' machines from the first input to the answer.
var openings = sync.Pool{New: func() any { return new(core.Opening) }}

// lendOpening lends one, before the first input is looked at.
func (c *Conn) lendOpening() {
	m, ok := c.m.(Opener)
	isFirst := c.stats.BytesReceived == int64(len(c.in.unread()))
	if !ok || !isFirst || c.m.Role() == core.Client {
		return
	}
	if o := openings.Get().(*core.Opening); !m.LendOpening(o) {
		openings.Put(o)
	}
}

func (c *Conn) takeBackOpening() {
	m, ok := c.m.(Opener)
	if !ok {
		return
	}
	if o := m.ReturnOpening(); o != nil {
		openings.Put(o)
	}
}
