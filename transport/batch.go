package transport

import (
	"context"
	"sync"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A batch is messages that are given to a Sink for one turn of the lock.
type batch struct {
	messages [batchSize]struct {
		op frame.Opcode
		p  []byte
	}
	n      int
	lent   *assembly // of the first message
	pinned *buffer   // where the others lie
}

const batchSize = 16

// An assembly is a message that comes in pieces.
type assembly struct{ p []byte }

// assemblies are those that are lent.
var assemblies = sync.Pool{New: func() any { return new(assembly) }}

// gather waits for a message, or returns errParked or how the connection ended. It takes
// along those that have come with it.
func (d *delivery) gather(b *batch) error {
	for b.n = 0; ; {
		d.takeWholes(b)
		if b.n > 0 {
			return nil
		}
		if d.rest != nil {
			d.rest.p = d.c.readTo(d.rest.p)
		}
		ev, err := d.c.next(context.Background(), largeBuffer)
		if err != nil {
			if err != errParked {
				d.c.in.leave()
			}
			return err
		}
		switch ev.Kind {
		case core.EventRequest:
			return errAsked
		case core.EventMessage:
			d.take(b, ev)
		}
	}
}

// takeWholes takes the messages that lie in the input in whole, as far as b has room.
func (d *delivery) takeWholes(b *batch) {
	c := d.c
	in, records := c.recvWholes(batchSize - b.n)
	if len(records) == 0 {
		return
	}
	if d.lends {
		b.pin(c.in.buf)
	}
	for i := range records {
		r := &records[i]
		p := in[r.Addr:][:r.Len:r.Len]
		if !d.lends {
			p = append([]byte(nil), p...)
		}
		b.add(r.Op, p)
	}
}

func (b *batch) add(op frame.Opcode, p []byte) {
	b.messages[b.n].op, b.messages[b.n].p = op, p
	b.n++
}

// take takes a part of a message, and puts the message into b if it is complete then.
func (d *delivery) take(b *batch, ev core.Event) {
	p := ev.Data
	switch whole := ev.Last && d.rest == nil; {
	case whole && d.lends && d.canLend():
		b.pin(d.c.in.buf)
	case whole && !d.lends:
		p = append([]byte(nil), p...)
	default:
		p = d.assemble(p)
	}
	if !ev.Last {
		return
	}
	if d.rest != nil && d.lends {
		b.lent = d.rest
	}
	d.rest = nil
	b.add(ev.Op, p)
	d.c.stats.MessagesReceived++
	d.c.stats.PayloadReceived += int64(len(p))
}

// assemble returns what has come of the message, p at its end.
func (d *delivery) assemble(p []byte) []byte {
	switch {
	case d.rest != nil:
	case d.lends:
		d.rest = assemblies.Get().(*assembly)
	default:
		d.rest = new(assembly)
	}
	d.rest.p = extend(d.rest.p, p)
	return d.rest.p
}

// canLend reports whether the event that was parsed just now lies in the input: what was
// read ahead and what was inflated is overwritten earlier.
func (d *delivery) canLend() bool { return d.c.ahead.kept == nil && !d.c.in.compressed }

// pin keeps a buffer of input until unpin.
func (b *batch) pin(buf *buffer) {
	b.pinned = buf
	buf.lent = true
}

// unpin gives the buffer back, unless there is still input in it.
func (b *batch) unpin(in *input) {
	buf := b.pinned
	if buf == nil {
		return
	}
	b.pinned = nil
	buf.lent = false
	if buf != in.buf {
		giveBack(buf)
	}
}

// give gives the messages away, without the lock.
func (d *delivery) give(b *batch) (more bool) {
	c := d.c
	c.received()
	returned := false
	defer func() {
		if !returned { // the Sink panics, or ends the goroutine
			c.mu.Lock()
			d.takeBack(b)
			c.receiving.pass()
			c.mu.Unlock()
		}
	}()
	more = true
	if last := b.n - 1; last > 0 {
		c.following = true
		c.unlockAndTell()
		for i := 0; i < last && more; i++ {
			more = d.sink.Message(b.messages[i].op, b.messages[i].p)
		}
		c.mu.Lock()
		c.following = false
	}
	if more {
		c.unlockAndTell()
		last := &b.messages[b.n-1]
		more = d.sink.Message(last.op, last.p)
		c.mu.Lock()
	}
	returned = true
	d.takeBack(b)
	return more
}

// takeBack ends the loan of memory.
func (d *delivery) takeBack(b *batch) {
	d.c.following = false
	b.unpin(&d.c.in)
	if b.lent != nil {
		b.lent.p = b.lent.p[:0]
		if cap(b.lent.p) > largeBuffer {
			largeMessages.Put(b.lent)
		} else {
			assemblies.Put(b.lent)
		}
		b.lent = nil
	}
	for i := range b.n {
		b.messages[i].p = nil
	}
}
