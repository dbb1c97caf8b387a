package main

import (
	"fmt"
	"io"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// chatter is how many messages of 1 KiB each connection has sent back before it is
// idle.
const chatter = 40

// deflateIdle measures what connections hold that have sent and received and now do
// nothing.
func deflateIdle(p *plan, out io.Writer) error {
	t := &table{
		title:  fmt.Sprintf("memory of an idle connection after %d messages of 1 KiB each way and %v of rest, bytes, of %d connections", chatter, p.rest, p.idle),
		header: []string{"server", "mode", "heap", "stack", "together"},
	}
	set := kilobytes()
	for _, mode := range p.modes {
		stream, err := raw.NewStream(set, mode, false)
		if err != nil {
			return err
		}
		for _, peer := range p.peers {
			if !peer.Has(mode) {
				continue
			}
			fmt.Fprintf(p.progress, "%s, %s, %d idle connections\n", mode.Name, peer.Name, p.idle)
			s, err := start(&job{peer: peer, mode: mode})
			if err != nil {
				return err
			}
			m, err := held(s, stream, p.idle, p.rest)
			s.stop()
			if err != nil {
				return err
			}
			t.add(peer.Name, mode, m.Heap, m.Stack, m.Heap+m.Stack)
		}
	}
	return t.print(out, p.markdown)
}

func kilobytes() *payload.Set {
	for _, set := range payload.Sets() {
		if set.Name == "json-1k" {
			return set
		}
	}
	panic("bench: no payload json-1k")
}

// held returns what each of n connections holds.
func held(s *server, stream *raw.Stream, n int, rest time.Duration) (memory, error) {
	few := max(n/10, 1) // so that what all connections share is there
	before, err := settled(s, stream, few, rest)
	if err != nil {
		return memory{}, err
	}
	after, err := settled(s, stream, n, rest)
	if err != nil {
		return memory{}, err
	}
	return memory{Heap: each(before.Heap, after.Heap, n-few), Stack: each(before.Stack, after.Stack, n-few)}, nil
}

// each returns the n-th part of the difference, 0 if there is less than before.
func each(before, after uint64, n int) uint64 {
	if after < before || n < 1 {
		return 0
	}
	return (after - before) / uint64(n)
}

// settled returns the memory of a server with n connections that have had nothing to do for the rest.
func settled(s *server, stream *raw.Stream, n int, rest time.Duration) (memory, error) {
	fleet, err := raw.NewFleet(s.target(), stream, n, 1)
	if err != nil {
		return memory{}, s.failed(err)
	}
	defer fleet.Close()
	if _, err := fleet.Burst(chatter); err != nil {
		return memory{}, s.failed(err)
	}
	time.Sleep(rest)
	return s.memory(true)
}
