package transport

import (
	"context"
	"sync"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A batch is messages that are given to a Sink for one turn of the lock: one that was
// taken by itself, if there is one, and then those that lie in the input in whole.
type batch struct {
	op    frame.Opcode // 0: there is none
	first []byte
	lent  *assembly // of it

	input   []byte
	records []core.Record // of messages in the input
	pinned  *buffer       // the input's
}

// batchSize is how many messages lie in the input at most. A read of 4 KiB has fewer, mostly.
const batchSize = 64

// An assembly is a message that comes in pieces.
type assembly struct{ p []byte }

// assemblies are those that are lent.
var assemblies = sync.Pool{New: func() any { return new(assembly) }}

// gather waits for a message, or returns errParked or how the connection ended. It takes
// along those that have come with it.
func (d *delivery) gather(b *batch) error {
	for {
		if d.takeWholes(b); b.len() > 0 {
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

// takeWholes takes the messages that lie in the input in whole.
func (d *delivery) takeWholes(b *batch) {
	b.input, b.records = d.c.recvWholes(batchSize)
	if len(b.records) > 0 {
		b.pin(d.c.in.buf)
	}
}

// len returns how many messages there are.
func (b *batch) len() int {
	if b.op == 0 {
		return len(b.records)
	}
	return 1 + len(b.records)
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
	b.op, b.first = ev.Op, p
	d.c.stats.MessagesReceived++
	d.c.stats.PayloadReceived += int64(len(p))
}

// assemble returns what has come of the message, p at its end.
func (d *delivery) assemble(p []byte) []byte {
	if d.rest == nil {
		d.rest = d.newAssembly()
	}
	d.rest.p = extend(d.rest.p, p)
	return d.rest.p
}

func (d *delivery) newAssembly() *assembly {
	if !d.lends {
		return new(assembly)
	}
	if d.c.expects() > largeBuffer {
		if a, ok := largeMessages.Get().(*assembly); ok {
			return a
		}
	}
	return assemblies.Get().(*assembly)
}

// canLend reports whether the event that was parsed just now lies in the input: what was
// read ahead and what was inflated is overwritten earlier.
func (d *delivery) canLend() bool { return d.c.ahead.kept == nil && !d.c.in.compressed }

// pin keeps a buffer of input until unpin.
func (b *batch) pin(buf *buffer) {
	b.pinned = buf
	buf.lent = true
}

// unpin gives the buffer back, unless there is still input in it. Somebody else may be
// reading into another one.
func (b *batch) unpin() {
	buf := b.pinned
	if buf == nil {
		return
	}
	b.pinned = nil
	buf.lent = false
	if buf.left {
		buf.left = false
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
			d.passReceiving()
			c.mu.Unlock()
		}
	}()
	more = true
	last := b.len() - 1
	if last > 0 {
		c.following = true
		c.unlockAndTell()
		for i := 0; i < last && more; i++ {
			more = d.giveOne(b, i)
		}
		c.mu.Lock()
		c.following = false
	}
	if more {
		c.unlockAndTell()
		more = d.giveOne(b, last)
		c.mu.Lock()
	}
	returned = true
	d.takeBack(b)
	return more
}

// giveOne gives message i away.
func (d *delivery) giveOne(b *batch, i int) (more bool) {
	if b.op != 0 {
		if i == 0 {
			return d.sink.Message(b.op, b.first)
		}
		i--
	}
	r := &b.records[i]
	p := b.input[r.Addr:][:r.Len:r.Len]
	if !d.lends {
		p = append([]byte(nil), p...)
	}
	return d.sink.Message(r.Op, p)
}

// takeBack ends the loan of memory.
func (d *delivery) takeBack(b *batch) {
	d.c.following = false
	b.unpin()
	if b.lent != nil {
		b.lent.p = b.lent.p[:0]
		if cap(b.lent.p) > largeBuffer {
			largeMessages.Put(b.lent)
		} else {
			assemblies.Put(b.lent)
		}
		b.lent = nil
	}
	b.op, b.first = 0, nil
	b.input, b.records = nil, nil
}
