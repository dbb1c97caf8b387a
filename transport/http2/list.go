package http2

// A list has the streams that wait for their turn. A stream is in one at most.
type list struct{ first, last *Stream }

func (l *list) push(s *Stream) {
	s.list, s.prev = l, l.last
	if l.last == nil {
		l.first = s
	} else {
		l.last.next = s
	}
	l.last = s
}

// pop takes the first stream, nil if there is none.
func (l *list) pop() *Stream {
	s := l.first
	if s != nil {
		s.unlist()
	}
	return s
}

// take appends all streams of other, which is empty then.
func (l *list) take(other *list) {
	for s := other.pop(); s != nil; s = other.pop() {
		l.push(s)
	}
}

// unlist takes s out of the list that it is in, if any.
func (s *Stream) unlist() {
	l := s.list
	if l == nil {
		return
	}
	if s.prev == nil {
		l.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		l.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.list, s.prev, s.next = nil, nil, nil
}
