package transport

import "github.com/fb1e3c20/websockets/core/frame"

// A fate is what is known of how a connection ends, from when that begins or somebody waits
// for it. Most of its life a connection has none: nil.
type fate struct {
	done chan struct{} // closed when the connection has ended; nil: nobody waits

	halfShut   bool            // our output has ended
	closeSent  bool            // by us, before the peer
	closedWith frame.CloseCode // by us

	carrier error // what the carrier said
	output  error // why the stream takes no more output
	held    error // the peer's close frame, which the application has not answered
	closing closing
}

// close tells those who wait for the end of the connection.
func (f *fate) close() {
	if f != nil && f.done != nil {
		close(f.done)
	}
}

// isAnsweredBy reports whether the peer's close frame says no more than that it agrees to
// ours.
func (f *fate) isAnsweredBy(code frame.CloseCode) bool {
	return f != nil && f.closeSent && answers(f.closedWith, code)
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
