package core

// head accumulates the head of a request or a response. It grows with what
// arrives, up to the limit, and looks at each byte once.
type head struct {
	whole []byte // what came in one piece, the caller's: valid until feed's caller returns
	buf   []byte
	start int // where the head begins in buf; before it are heads passed over
	line  int // where the current line begins in buf
	lines int // how many lines are before it
}

// feed takes input up to and with the empty line that ends the head, and
// reports whether that came. The head is too big when it needs more than
// maxBytes bytes, the empty line included, or has more than maxLines lines,
// the empty line excluded; that is found as soon as it is certain.
//
// A control character, such as TLS begins with, ends the head at once. The
// parser refuses it then, since the empty line is missing.
func (h *head) feed(in []byte, maxBytes, maxLines int) (n int, done bool, err Error) {
	room := max(maxBytes-len(h.buf), 0)
	in = in[:min(len(in), room)]
	for n < len(in) && !done && err == 0 {
		switch c := in[n]; {
		case c == '\n':
			done, err = h.endLine(in[:n], maxLines)
		case c < ' ' && c != '\r' && c != '\t':
			done = true
		}
		n++
	}
	if done && len(h.buf) == 0 {
		h.whole = in[:n]
		return n, true, err
	}
	h.buf = append(h.buf, in[:n]...)
	if !done && n == room {
		err = ErrHeadTooBig
	}
	return n, done, err
}

// endLine notes that a LF follows buf and in. It ends the head if its line is
// empty, but for the first line: one empty line before a request is ignored
// (https://www.rfc-editor.org/rfc/rfc9112#section-2.2). A bare LF ends a line
// as well, so that the parser can refuse it without waiting for a CRLF that
// may never come.
func (h *head) endLine(in []byte, maxLines int) (done bool, err Error) {
	end := len(h.buf) + len(in)
	empty := end == h.line || end == h.line+1 && h.last(in) == '\r'
	if empty && h.line > h.start {
		return true, 0
	}
	h.line = end + 1
	h.lines++
	if h.lines > maxLines {
		return false, ErrHeadTooBig
	}
	return false, 0
}

// last returns the last byte of buf followed by in.
func (h *head) last(in []byte) byte {
	if len(in) > 0 {
		return in[len(in)-1]
	}
	return h.buf[len(h.buf)-1]
}

// bytes returns what has come of the head.
func (h *head) bytes() []byte {
	if h.whole != nil {
		return h.whole
	}
	return h.buf[h.start:]
}

// next passes over a complete head, so that another one can follow. Both
// count for the limits.
func (h *head) next() {
	h.buf = append(h.buf, h.whole...)
	h.whole = nil
	h.start, h.line = len(h.buf), len(h.buf)
}

// clone returns a copy that shares no memory with h.
func (h *head) clone() head {
	c := *h
	c.buf = append([]byte(nil), h.buf...)
	return c
}
