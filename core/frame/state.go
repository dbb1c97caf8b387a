package frame

// State returns a number that tells where in a character u stands, 0 between
// characters: two validators with one State judge the same continuation alike.
func (u UTF8) State() uint8 { return u.state }
