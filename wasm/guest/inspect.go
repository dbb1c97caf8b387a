package main

// openState is more than what the state of an open connection takes.
const openState = 2 << 10

func (x *instance) status(*conn) int32 { return 0 }

// state puts out a dump of the state.
func (x *instance) state(c *conn) int32 {
	if code := x.makeRoom(openState + 2*uint64(c.held)); code != 0 {
		return refused(code)
	}
	x.out = c.AppendState(x.out)
	return int32(len(x.out))
}

// snapshot puts out the whole state.
func (x *instance) snapshot(c *conn) int32 {
	if code := x.makeRoom(openState + uint64(c.held)); code != 0 {
		return refused(code)
	}
	x.out = c.AppendSnapshot(x.out)
	return int32(len(x.out))
}
