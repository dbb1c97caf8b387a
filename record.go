package websockets

import (
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A recording is that of one connection; nil is that of one that is not
// recorded.
type recording struct {
	to     *flight.Recorder
	flight *flight.Flight
	driver chan *transport.Conn // which is told once
}

func newRecording(to *flight.Recorder, f *flight.Flight) *recording {
	return &recording{to, f, make(chan *transport.Conn, 1)}
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

// observer is a Conn that hears of its driver.
type observer Conn

var _ transport.Observer = (*observer)(nil)

func (o *observer) Pinged() {
	if o.server != nil {
		o.server.pinged()
	}
}

func (o *observer) Released() {
	if o.server != nil {
		o.server.untrack((*Conn)(o))
	}
	o.recording.finish()
}

// discard ends the recording of a machine that nobody drives.
func (r *recording) discard() {
	if r != nil {
		r.to.Finish(r.flight, nil)
	}
}
