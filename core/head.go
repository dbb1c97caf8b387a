package core

// head accumulates the head of a request or a response. It grows with what
// arrives, up to the limit, and looks at each byte once.
type head struct {
	buf   []byte
	line  int // where the current line begins in buf
	lines int // lines before it
	past  int // bytes of heads that next has dropped
}

// feed takes input up to and with the empty line that ends the head, and
// reports whether that came. The head is too big when it needs more than
// maxBytes bytes, the empty line included, or has more than maxLines lines,
// the empty line excluded; that is found as soon as it is certain.
func (h *head) feed(in []byte, maxBytes, maxLines int) (n int, done bool, err Error) {
	room := max(maxBytes-h.past-len(h.buf), 0)
	for n < min(len(in), room) && !done && err == 0 {
		if in[n] == '\n' {
			done, err = h.endLine(in, n, maxLines)
		}
		n++
	}
	h.buf = append(h.buf, in[:n]...)
	if !done && n == room {
		err = ErrHeadTooBig
	}
	return n, done, err
}

// endLine notes that the current line ends with in[n], which is to follow buf.
// An empty line ends the head unless it is the first: one empty line before a
// request is ignored (https://www.rfc-editor.org/rfc/rfc9112#section-2.2).
// A bare LF counts as the end of a line, so that the parser can refuse it
// without waiting for a CRLF that may never come.
func (h *head) endLine(in []byte, n, maxLines int) (done bool, err Error) {
	end := len(h.buf) + n
	empty := end == h.line || end == h.line+1 && h.at(in, h.line) == '\r'
	if empty && h.lines > 0 {
		return true, 0
	}
	h.line = end + 1
	h.lines++
	if h.lines > maxLines {
		return false, ErrHeadTooBig
	}
	return false, 0
}

// at returns a byte of buf followed by in.
func (h *head) at(in []byte, i int) byte {
	if i < len(h.buf) {
		return h.buf[i]
	}
	return in[i-len(h.buf)]
}

// bytes returns the head up to what was fed last.
func (h *head) bytes() []byte { return h.buf }

// next drops a complete head, so that another one can follow under the same
// limits: what was dropped still counts.
func (h *head) next() {
	h.past += len(h.buf)
	h.buf, h.line = h.buf[:0], 0
}

// clone returns a copy that shares no memory with h.
func (h *head) clone() head {
	c := *h
	c.buf = append([]byte(nil), h.buf...)
	return c
}
