package frame

// State returns a number that tells where in a character u stands, 0 between
// characters: two validators with one State judge the same continuation alike.
func (u UTF8) State() uint8 { return u.state }

// UTF8At returns a validator whose [UTF8.State] is state, and whether there is
// one.
func UTF8At(state uint8) (u UTF8, ok bool) {
	if state > afterF4 || state%6 != 0 {
		return UTF8{}, false
	}
	return UTF8{state}, true
}
