package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// uncompressed is the mode of all scenarios but deflate.
var uncompressed = raw.Modes[0]

// A load is a stream on so many connections, each of which has so many messages in
// flight.
type load struct {
	set         *payload.Set
	connections int
	flight      int
}

func (l *load) String() string {
	kind := "binary"
	if l.set.Text {
		kind = "text"
	}
	s := fmt.Sprintf("%s %s, %s", size(l.set.Size()), kind, count(l.connections, "connection"))
	if l.flight > 1 {
		s += fmt.Sprintf(", %d in flight", l.flight)
	}
	return s
}

// pingPongLoads have one message in flight on each connection.
func pingPongLoads(p *plan) []*load {
	many := p.atMost(1000)
	return []*load{
		{payload.Binary(16), 64, 1},
		{payload.Binary(16), many, 1},
		{payload.Text(1 << 10), 64, 1},
		{payload.Text(1 << 10), many, 1},
		{payload.Binary(256 << 10), 1, 1},
	}
}

func pingPong(p *plan, out io.Writer) error {
	return p.echoes("pingpong", "Ping-pong: CPU of the server, us a message", pingPongLoads(p), out)
}

// pipelineLoads have 64 messages in flight on each connection, which the client writes
// at once.
func pipelineLoads(*plan) []*load {
	return []*load{
		{payload.Binary(16), 64, 64},
		{payload.Text(1 << 10), 64, 64},
	}
}

func pipeline(p *plan, out io.Writer) error {
	return p.echoes("pipeline", "64 in flight: CPU of the server, us a message", pipelineLoads(p), out)
}

func echoesTake(loads func(p *plan) []*load) func(p *plan) time.Duration {
	return func(p *plan) time.Duration {
		return time.Duration(len(p.chosen(loads(p)))*p.rounds*p.count(uncompressed)) * p.turn()
	}
}

// echoes measures loads, prints a table of each, and draws one picture.
func (p *plan) echoes(name, title string, loads []*load, out io.Writer) error {
	results, err := p.measureLoads(p.chosen(loads))
	if err != nil {
		return err
	}
	p.results = append(p.results, results...)
	for _, r := range results {
		if err := r.table().print(out, p.markdown); err != nil {
			return err
		}
	}
	return p.draw(name, barsOf(title, results))
}

// chosen returns those loads that are to be measured.
func (p *plan) chosen(loads []*load) []*load {
	return slices.DeleteFunc(loads, func(l *load) bool { return !p.only.MatchString(l.String()) })
}

// names returns what the loads are called.
func names(loads func(p *plan) []*load) func(p *plan) []string {
	return func(p *plan) (list []string) {
		for _, l := range loads(p) {
			list = append(list, l.String())
		}
		return list
	}
}

// measureLoads measures one load after the other, and returns the results that there
// are if one is beyond a limit of the machine, with that as the error.
func (p *plan) measureLoads(loads []*load) (results []*result, err error) {
	servers, err := p.start(uncompressed)
	defer stop(servers)
	if err != nil {
		return nil, err
	}
	for _, l := range loads {
		r, err := p.measureLoad(l, servers)
		if err != nil {
			return results, err
		}
		results = append(results, r)
	}
	return results, nil
}

func (p *plan) measureLoad(l *load, servers []*server) (*result, error) {
	stream, err := raw.NewStream(l.set, uncompressed, false)
	if err != nil {
		return nil, err
	}
	r := newResult(l.String(), "a message", servers)
	if l.connections > p.perServer() {
		return r, p.turns(servers, func(i int) error {
			return r.costs[i].add(p.measureSpread(servers[i].peer, stream, l))
		})
	}
	done := p.note("%s, %d servers, %d rounds", r.title, len(servers), p.rounds)
	err = p.turns(servers, func(i int) error {
		return r.costs[i].add(measure(servers[i], stream, l.connections, l.flight, p.time))
	})
	if err == nil {
		done()
	}
	return r, err
}

// size prints a number of bytes.
func size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d B", n)
	}
}

// count prints a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
