package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// The words of entropy lie in the page, where the host can put them without a
// call. What it says of them is not trusted.

// words returns which words there are: from next to before end.
func words() (next, end uint32) {
	end = min(page.end, abi.Words)
	return min(page.next, end), end
}

// draw is the Entropy of every connection. What is lacking is counted.
func draw() uint32 {
	next, end := words()
	if next == end {
		it.attempt.lacking++
		return 0
	}
	page.next, page.end = next+1, end
	return page.words[next]
}

// seed adds whole words as far as there is room and returns how many there are
// then.
func (x *instance) seed() int32 {
	p, ok := x.lent(x.call.ptr, x.call.n)
	if !ok {
		return refused(abi.CodeRange)
	}
	next, end := words()
	page.next, page.end = 0, uint32(copy(page.words[:], page.words[next:end]))
	for len(p) >= 4 && page.end < abi.Words {
		page.words[page.end] = abi.Uint32(p)
		page.end++
		p = p[4:]
	}
	return int32(page.end)
}

// hasWords reports whether there are n words, for a call that cannot be undone.
func (x *instance) hasWords(n uint32) bool {
	next, end := words()
	if end-next >= n {
		return true
	}
	page.status.wanted = n
	return false
}

// An attempt is a call in which a client may draw words. If they do not
// suffice, the connection is made what it was before.
type attempt struct {
	under   bool   // way
	next    uint32 // word, when it began
	lacking uint32 // words that were drawn and not there
	before  core.Conn
}

// try begins a call in which a client draws at most n words.
func (x *instance) try(c *conn, n uint32) {
	next, end := words()
	if c.role == 0 || end-next >= n {
		return
	}
	a := &x.attempt
	a.under, a.next, a.lacking = true, next, 0
	if c.Response() != nil {
		a.before = deepCopy(c.Conn)
		return
	}
	c.CopyTo(&a.before)
}

// deepCopy is for a connection whose handshake is still there, and may be changed.
//
//go:noinline
func deepCopy(c *core.Conn) core.Conn { return *c.Snapshot() }

// lacks ends the attempt, if there is one, and undoes it if words were lacking.
func (x *instance) lacks(c *conn) bool { return x.attempt.under && x.undoes(c) }

func (x *instance) undoes(c *conn) bool {
	a := &x.attempt
	a.under = false
	if a.lacking == 0 {
		return false
	}
	next, end := words()
	page.status.wanted = a.lacking + next - a.next
	page.next, page.end = a.next, end
	a.before.CopyTo(c.Conn)
	return true
}
