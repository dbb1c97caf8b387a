package frame

// A UTF8 validates a text message piece by piece
// (https://www.rfc-editor.org/rfc/rfc6455#section-8.1) by the grammar of RFC
// 3629 (https://www.rfc-editor.org/rfc/rfc3629#section-4). The pieces may
// split a character anywhere, and the first byte that no valid text could
// have at its place is found at once, before the rest of its character, frame
// or message has come.
//
// The zero value stands at the beginning of a message. A UTF8 must not be used
// by two goroutines at the same time. It is one byte in size.
type UTF8 struct {
	state uint8
}

// Write validates p as the continuation of what was written before. n is the
// number of bytes before the first one that cannot continue any valid
// sequence, given what came before it; ok reports that there is no such byte,
// and n is then len(p). An incomplete sequence at the end of p is fine: more
// may come.
//
// After a failure every Write returns 0 and false until [UTF8.Reset].
func (u *UTF8) Write(p []byte) (n int, ok bool) {
	state := uint64(u.state)
	for len(p)-n >= 8 {
		b := (*[8]byte)(p[n:])
		if state == accept {
			if load64(b)&highBits == 0 {
				n += leadingASCII(p[n:])
				continue
			}
			if len(p)-n >= textBlock {
				k := validBlocks(p[n:])
				if k == 0 {
					break
				}
				n += k
				continue
			}
		}
		s := transitions[b[0]] >> state
		s = transitions[b[1]] >> (s & stateMask)
		s = transitions[b[2]] >> (s & stateMask)
		s = transitions[b[3]] >> (s & stateMask)
		s = transitions[b[4]] >> (s & stateMask)
		s = transitions[b[5]] >> (s & stateMask)
		s = transitions[b[6]] >> (s & stateMask)
		s = transitions[b[7]] >> (s & stateMask)
		if s &= stateMask; s == fail {
			break
		}
		n, state = n+8, s
	}
	for n < len(p) {
		state = transitions[p[n]] >> (state & stateMask) & stateMask
		if state == fail {
			break
		}
		n++
	}
	u.state = uint8(state)
	return n, state != fail
}

// Complete reports that no sequence is open: a message may end here.
func (u *UTF8) Complete() bool { return u.state == accept }

// Reset returns u to the beginning of a message.
func (u *UTF8) Reset() { u.state = accept }

// ValidUTF8 reports whether p is valid and complete UTF-8.
func ValidUTF8(p []byte) bool {
	n := leadingASCII(p)
	if n == len(p) {
		return true
	}
	var u UTF8
	_, ok := u.Write(p[n:])
	return ok && u.Complete()
}

const highBits = 0x8080808080808080

// The states of the automaton. Each is the position, in an entry of
// transitions, of the state that follows it: a step is a load and a shift.
const (
	accept  = 6 * iota // between two characters
	fail               // after an impossible byte; final
	tail1              // one continuation byte, 80..BF, is to follow
	tail2              // two
	tail3              // three
	afterE0            // A0..BF and tail1: no overlong forms
	afterED            // 80..9F and tail1: no surrogates
	afterF0            // 90..BF and tail2: no overlong forms
	afterF4            // 80..8F and tail2: nothing above U+10FFFF

	stateMask = 1<<6 - 1
)

// The entries of transitions.
const (
	// xx fails in every state.
	xx = fail<<accept | fail<<fail | fail<<tail1 | fail<<tail2 | fail<<tail3 |
		fail<<afterE0 | fail<<afterED | fail<<afterF0 | fail<<afterF4

	// The first byte of a character, possible in accept only.
	as = xx + (accept-fail)<<accept  // 00..7F
	l2 = xx + (tail1-fail)<<accept   // C2..DF
	l3 = xx + (tail2-fail)<<accept   // E1..EC, EE, EF
	l4 = xx + (tail3-fail)<<accept   // F1..F3
	e0 = xx + (afterE0-fail)<<accept // E0
	ed = xx + (afterED-fail)<<accept // ED
	f0 = xx + (afterF0-fail)<<accept // F0
	f4 = xx + (afterF4-fail)<<accept // F4

	// Continuation bytes.
	co = xx + (accept-fail)<<tail1 + (tail1-fail)<<tail2 + (tail2-fail)<<tail3
	c8 = co + (tail1-fail)<<afterED + (tail2-fail)<<afterF4 // 80..8F
	c9 = co + (tail1-fail)<<afterED + (tail2-fail)<<afterF0 // 90..9F
	ca = co + (tail1-fail)<<afterE0 + (tail2-fail)<<afterF0 // A0..BF
)

// transitions holds, for each byte, the states that follow the nine states.
var transitions = [256]uint64{
	//  1   2   3   4   5   6   7   8   9   A   B   C   D   E   F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 00..0F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 10..1F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 20..2F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 30..3F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 40..4F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 50..5F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 60..6F
	as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, as, // 70..7F
	c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, c8, // 80..8F
	c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, c9, // 90..9F
	ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, // A0..AF
	ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, // B0..BF
	xx, xx, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, // C0..CF
	l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, l2, // D0..DF
	e0, l3, l3, l3, l3, l3, l3, l3, l3, l3, l3, l3, l3, ed, l3, l3, // E0..EF
	f0, l4, l4, l4, f4, xx, xx, xx, xx, xx, xx, xx, xx, xx, xx, xx, // F0..FF
}
