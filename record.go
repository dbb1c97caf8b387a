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
			return machine{f, &recording{o.Recorder, f, make(chan *transport.Conn, 1)}}, nil
		}
	}
	m, err := b.Machine()
	return machine{m, nil}, err
}

// abandon releases a machine that gets no driver.
func (m machine) abandon() {
	transport.Release(m.Machine)
	if r := m.recording; r != nil {
		r.to.Finish(r.flight, nil)
	}
}

// A recording is that of one connection; nil is that of one that is not
// recorded.
type recording struct {
	to     *flight.Recorder
	flight *flight.Flight
	driver chan *transport.Conn // which is told once
}

// begin tells who drives the machine, and knows how the connection ended.
func (r *recording) begin(t *transport.Conn) {
	if r != nil {
		r.driver <- t
	}
}

func (r *recording) finish() {
	if r != nil {
		r.to.Finish(r.flight, func() error { return (<-r.driver).Err() })
	}
}
