package wasm

// A list holds the connections of an instance, of which each may leave it.
type list struct{ first *Conn }

func (l *list) add(c *Conn) {
	c.next = l.first
	if c.next != nil {
		c.next.prev = c
	}
	l.first = c
}

func (l *list) remove(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

func (l *list) all(yield func(*Conn) bool) {
	for c := l.first; c != nil; c = c.next {
		if !yield(c) {
			return
		}
	}
}
