package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// A fleet is a raw.Fleet in a process of its own.
type fleet struct {
	*process
	server  *server
	orders  *json.Encoder
	answers *json.Decoder
}

// A fleetOrder is what the process is told first; what follows are numbers of messages
// for raw.Fleet's Burst.
type fleetOrder struct {
	Server      raw.Target
	Set         *payload.Set
	Mode        raw.Mode
	Connections int
	Flight      int
}

// A fleetAnswer is the answer to the order, and to each number.
type fleetAnswer struct {
	raw.Tally
	Problem string
}

// startFleet opens n connections to a server. The error is a limit if not so many can
// be opened.
func startFleet(s *server, stream *raw.Stream, n, flight int) (*fleet, error) {
	p, err := startProcess("fleet")
	if err != nil {
		return nil, err
	}
	f := &fleet{process: p, server: s, orders: json.NewEncoder(p.commands), answers: json.NewDecoder(p.output)}
	_, err = f.ask(fleetOrder{Server: s.target(), Set: stream.Set, Mode: stream.Mode, Connections: n, Flight: flight})
	if err != nil {
		f.stop()
		return nil, limit(err.Error())
	}
	return f, nil
}

func (f *fleet) burst(messages int) (raw.Tally, error) { return f.ask(messages) }

func (f *fleet) ask(what any) (raw.Tally, error) {
	var a fleetAnswer
	if err := f.orders.Encode(what); err != nil {
		return a.Tally, fmt.Errorf("a client of %s: %w", f.server, err)
	}
	if err := f.answers.Decode(&a); err != nil {
		return a.Tally, fmt.Errorf("a client of %s: %w", f.server, err)
	}
	if a.Problem != "" {
		return a.Tally, f.server.failed(errors.New(a.Problem))
	}
	return a.Tally, nil
}

// runFleet is the process of a fleet.
func runFleet(in io.Reader, out io.Writer) error {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	var order fleetOrder
	if err := orders.Decode(&order); err != nil {
		return err
	}
	f, err := openFleet(order)
	if err != nil {
		return answers.Encode(fleetAnswer{Problem: err.Error()})
	}
	defer f.Close()
	if err := answers.Encode(fleetAnswer{}); err != nil {
		return err
	}
	for {
		var messages int
		if err := orders.Decode(&messages); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a := fleetAnswer{}
		if a.Tally, err = f.Burst(messages); err != nil {
			a.Problem = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func openFleet(order fleetOrder) (*raw.Fleet, error) {
	stream, err := raw.NewStream(order.Set, order.Mode, false)
	if err != nil {
		return nil, err
	}
	return raw.NewFleet(order.Server, stream, order.Connections, order.Flight)
}
