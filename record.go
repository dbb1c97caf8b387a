package websockets

import (
	"net"

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

// machine makes the machine of a connection on stream, and records it if there is
// a Recorder that has room.
func (o *Options) machine(b flight.Birth, stream transport.Stream) (transport.Machine, *recording, error) {
	if o.Recorder == nil {
		m, err := b.Machine()
		return m, nil, err
	}
	if s, ok := stream.(interface{ RemoteAddr() net.Addr }); ok && s.RemoteAddr() != nil {
		b.Label = s.RemoteAddr().String()
	}
	f, err := o.Recorder.Record(b)
	if err != nil {
		return nil, nil, err
	}
	if f == nil {
		m, err := b.Machine()
		return m, nil, err
	}
	return f, &recording{o.Recorder, f, make(chan *transport.Conn, 1)}, nil
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
