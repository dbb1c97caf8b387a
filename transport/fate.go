package transport

// A fate is what is known of how a connection ends, from when that begins. Most of
// its life a connection has none: nil.
type fate struct {
	carrier error // what the carrier said
	output  error // why the stream takes no more output
	held    error // the peer's close frame, which the application has not answered
	closing closing
}

// ends returns the fate of a connection that begins to end.
func (c *Conn) ends() *fate {
	if c.fate == nil {
		c.fate = new(fate)
	}
	return c.fate
}

// broken notes the first thing that the carrier says.
func (f *fate) broken(err error) {
	if f.carrier == nil {
		f.carrier = err
	}
}

func (f *fate) carrierErr() error {
	if f == nil {
		return nil
	}
	return f.carrier
}

func (f *fate) outputErr() error {
	if f == nil {
		return nil
	}
	return f.output
}

func (f *fate) heldClose() error {
	if f == nil {
		return nil
	}
	return f.held
}

// waits returns what the calls of Close that wait know, nil if none waits.
func (f *fate) waits() *closing {
	if f == nil || f.closing.waiting == 0 {
		return nil
	}
	return &f.closing
}

// notify wakes the calls of Close that wait for a change.
func (f *fate) notify() {
	if f != nil {
		f.closing.notify()
	}
}
