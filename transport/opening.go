package transport

import (
	"sync"

	"github.com/fb1e3c20/websockets/core"
)

// openings are lent to servers' machines from the first input to the answer.
var openings = sync.Pool{New: func() any { return new(core.Opening) }}

func (c *Conn) lendOpening() {
	m, ok := c.m.(Opener)
	if !ok {
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
