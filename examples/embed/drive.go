package main

import (
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

// An application appends to the output what it has to say to an event.
type application func(ev core.Event, out []byte) ([]byte, error)

// maxWaiting is how much output may wait before input is held back.
const maxWaiting = 64 << 10

// drive stands between a connection and the world until the connection is over:
// it writes what the core has to say, carries out what is to become of the
// transport, and waits for input, for the writer, or for the core's next
// deadline.
func drive(c *core.Conn, app application) (err error) {
	input, wrote := make(chan []byte, 1), make(chan int)
	go read(input)
	timer := time.NewTimer(0)
	var out []byte // output that waits
	writing := 0   // bytes that are being written
	for {
		if out = c.AppendOutput(out); writing == 0 && len(out) > 0 {
			go write(out, wrote)
			writing, out = len(out), nil
			c.Wrote(now(), 0) // none so far
		}
		switch level := c.Transport(); {
		case level == core.TransportAbort, level == core.TransportClose && writing == 0:
			return c.Err()
		case level == core.TransportHalfClose && writing == 0:
			closeOutput()
		}
		source := input
		if len(out) >= maxWaiting {
			source = nil
		}
		c.SetReading(now(), source != nil)
		at, _ := c.Deadline()
		timer.Reset(at.Sub(now()))
		select {
		case in, ok := <-source:
			if !ok {
				c.RecvEOF(now())
				input = nil
			}
			out, err = receive(c, in, out, app)
		case n := <-wrote:
			if writing -= n; n == 0 {
				c.Lost(now())
			}
			c.Wrote(now(), n)
		case <-timer.C:
			if len(source) == 0 { // what has come counts before time does
				c.Tick(now())
			}
		}
		if err != nil {
			return err
		}
	}
}

// receive passes input to the connection and its events to the application.
func receive(c *core.Conn, in, out []byte, app application) (_ []byte, err error) {
	var scratch [core.ScratchSize]byte
	for {
		n, ev := c.Recv(now(), in, scratch[:])
		if in = in[n:]; ev.Kind == core.EventNone {
			return out, nil
		}
		if out, err = app(ev, out); err != nil {
			return out, err
		}
		out = c.AppendOutput(out)
	}
}

var begin = time.Now()

func now() clock.Time { return clock.Time(time.Since(begin)) }
