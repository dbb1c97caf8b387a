package websockets

import (
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A machine is one that no driver has yet.
type machine struct {
	transport.Machine
	*recording
}

// newMachine makes a machine as b and o say, and records it if there is a Recorder
// that has room.
func (o *Options) newMachine(b flight.Birth) (machine, error) {
	b.Make = o.Machine
	if o.Recorder != nil {
		f, err := o.Recorder.Record(b)
		if err != nil {
			return machine{}, err
		}
		if f != nil {
			return machine{f, newRecording(o.Recorder, f)}, nil
		}
	}
	m, err := b.Machine()
	return machine{m, nil}, err
}

// drive gives m, which goes by stream, its driver.
func (c *Conn) drive(m machine, stream transport.Stream, att *transport.Attendant, hooks []transport.Option) {
	c.recording = m.recording
	c.t = transport.NewConn(m.Machine, stream, att, append(hooks, transport.Observe((*observer)(c)))...)
	m.begin(c.t)
}

// abandon releases a machine that gets no driver.
func (m machine) abandon() {
	transport.Release(m.Machine)
	m.recording.discard()
}
