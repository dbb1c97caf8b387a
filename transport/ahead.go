package transport

import "github.com/fb1e3c20/websockets/core"

// ahead is what was read while the application was busy. The zero ahead is empty and
// holds no memory.
type ahead struct{ *kept }

// kept is chunks of messages, in one borrowed buffer. Nothing in it is freed before all
// is taken.
type kept struct {
	buf    *buffer
	used   int
	chunks []core.Event
	next   int
	end    error // the close frame that came behind the chunks
}

func (a *ahead) len() int {
	if a.kept == nil {
		return 0
	}
	return len(a.chunks) - a.next
}

// room returns how many bytes may be parsed without overflowing.
func (a *ahead) room() int {
	switch {
	case a.kept == nil:
		return aheadBytes
	case len(a.chunks) >= aheadEvents:
		return 0
	}
	return aheadBytes - a.used
}

// ending returns the close frame that waits behind the chunks, nil for none.
func (a *ahead) ending() error {
	if a.kept == nil {
		return nil
	}
	return a.end
}

// endWith keeps the close frame that came behind the chunks, or behind messages that are
// being given away.
func (a *ahead) endWith(err error) {
	if a.kept == nil {
		a.kept = &kept{}
	}
	a.end = err
}

func (a *ahead) push(ev core.Event) {
	if a.kept == nil {
		a.kept = &kept{}
	}
	if a.buf == nil {
		a.buf = borrow(true)
	}
	at := a.buf.b[a.used:]
	n := copy(at, ev.Data)
	a.used += n
	if last := len(a.chunks) - 1; last >= a.next && !ev.First {
		// The chunk before it is of the same message and lies before it.
		prev := &a.chunks[last]
		prev.Data = prev.Data[:len(prev.Data)+n]
		prev.Last = ev.Last
		return
	}
	ev.Data = at[:n]
	a.chunks = append(a.chunks, ev)
}

// pop takes at most limit bytes of the first chunk.
func (a *ahead) pop(limit int) (core.Event, bool) {
	if a.len() == 0 {
		return core.Event{}, false
	}
	first := &a.chunks[a.next]
	ev := *first
	if len(ev.Data) <= limit {
		a.next++
		return ev, true
	}
	ev.Data, ev.Last = ev.Data[:limit], false
	first.Data, first.First = first.Data[limit:], false
	return ev, true
}

// skip drops the rest of the message that the first chunk belongs to. It
// reports whether that was all of it.
func (a *ahead) skip() bool {
	for a.len() > 0 {
		a.next++
		if a.chunks[a.next-1].Last {
			return true
		}
	}
	return false
}

func (a *ahead) release() {
	if a.kept == nil {
		return
	}
	if a.buf != nil {
		giveBack(a.buf)
	}
	a.kept = nil
}
