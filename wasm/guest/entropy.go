package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// The words of entropy lie in the page, where the host can put them without a
// call. What it says of them is not trusted.

// words returns which words there are: from next to before end.
func words() (next, end uint32) {
	end = min(abi.Uint32(page[abi.EntropyAt+4:]), abi.Words)
	return min(abi.Uint32(page[abi.EntropyAt:]), end), end
}

func setWords(next, end uint32) {
	abi.PutUint32(page[abi.EntropyAt:], next)
	abi.PutUint32(page[abi.EntropyAt+4:], end)
}

// draw is the Entropy of every connection. What is lacking is counted.
func draw() uint32 {
	next, end := words()
	if next == end {
		it.attempt.lacking++
		return 0
	}
	setWords(next+1, end)
	return abi.Uint32(page[abi.WordsAt+4*next:])
}

// seed adds whole words as far as there is room and returns how many there are
// then.
func (x *instance) seed() int32 {
	next, end := words()
	all := page[abi.WordsAt:]
	kept := copy(all, all[4*next:4*end])
	added := copy(all[kept:], x.data[:len(x.data)&^3])
	count := uint32(kept+added) / 4
	setWords(0, count)
	return int32(count)
}

// An attempt is a call in which a client may draw words. If they do not
// suffice, the connection is made what it was before.
type attempt struct {
	under   bool   // way
	next    uint32 // word, when it began
	lacking uint32 // words that were drawn and not there
	before  core.Conn
}

// try begins a call in which c draws at most n words.
func (x *instance) try(c *conn, n uint32) {
	if c.Role() != core.Client {
		return
	}
	next, end := words()
	if end-next >= n {
		return
	}
	a := &x.attempt
	a.under, a.next, a.lacking = true, next, 0
	if c.Response() != nil {
		a.before = deepCopy(c.Conn)
		return
	}
	a.before = *c.Conn
}

// deepCopy is for a connection whose handshake is still there, and may be changed.
//
//go:noinline
func deepCopy(c *core.Conn) core.Conn { return *c.Snapshot() }

// lacks ends the attempt, and undoes it if words were lacking.
func (x *instance) lacks(c *conn) bool {
	a := &x.attempt
	if !a.under {
		return false
	}
	a.under = false
	if a.lacking == 0 {
		return false
	}
	next, end := words()
	x.wants(a.lacking + next - a.next)
	setWords(a.next, end)
	*c.Conn = a.before
	return true
}

// wants tells how many words a call needs.
func (x *instance) wants(n uint32) { abi.PutUint32(page[abi.StatusWanted:], n) }
