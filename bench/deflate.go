package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// deflate measures permessage-deflate: for each mode and payload what a message costs
// each server that has the mode, then what its idle connections hold.
func deflate(p *plan, out io.Writer) error {
	began := time.Now()
	for _, mode := range p.modes {
		if err := deflateMode(p, mode, out); err != nil {
			return err
		}
	}
	if err := deflateIdle(p, out); err != nil {
		return err
	}
	fmt.Fprintf(p.progress, "all of it took %v\n", time.Since(began).Round(time.Second))
	return nil
}

func deflateMode(p *plan, mode raw.Mode, out io.Writer) error {
	servers, err := p.start(mode)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	for _, set := range payload.Sets() {
		if !p.wants(set.Name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(p.progress, "%s, %s, %d servers, %d rounds: ", mode.Name, set.Name, len(servers), p.rounds)
		costs, err := deflateCosts(p, servers, mode, set)
		if err != nil {
			fmt.Fprintln(p.progress, "failed")
			return err
		}
		fmt.Fprintln(p.progress, time.Since(began).Round(100*time.Millisecond))
		if err := costTable(costs, mode, set).print(out, p.markdown); err != nil {
			return err
		}
	}
	return nil
}

// start starts the servers that have the mode, in what order they were asked for.
func (p *plan) start(mode raw.Mode) (servers []*server, err error) {
	for _, peer := range p.peers {
		if !peer.Has(mode) {
			continue
		}
		profile := ""
		if p.profiles != "" {
			profile = filepath.Join(p.profiles, peer.Name+"-"+mode.Name+".pprof")
		}
		s, err := start(peer, mode, profile)
		if err != nil {
			return servers, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// A cost is what the messages of a set cost one server, in each round: as the client
// compresses them, and as it does not, so that the server only compresses.
type cost struct {
	server     *server
	both, send []sample
}

// deflateCosts has the servers take turns; who is first changes from round to round.
func deflateCosts(p *plan, servers []*server, mode raw.Mode, set *payload.Set) ([]*cost, error) {
	compressed, err := raw.NewStream(set, mode, false)
	if err != nil {
		return nil, err
	}
	plain, err := raw.NewStream(set, mode, true)
	if err != nil {
		return nil, err
	}
	costs := make([]*cost, len(servers))
	for i, s := range servers {
		costs[i] = &cost{server: s}
	}
	for round := range p.rounds {
		for i := range costs {
			c := costs[(round+i)%len(costs)]
			both, err := measure(c.server, compressed, p.time)
			if err != nil {
				return nil, err
			}
			c.both = append(c.both, both)
			if !mode.Compresses() {
				continue
			}
			send, err := measure(c.server, plain, p.time)
			if err != nil {
				return nil, err
			}
			c.send = append(c.send, send)
		}
	}
	return costs, nil
}

// costTable has the cheapest first, and the ratios to the peer that was asked for
// first: this library.
func costTable(costs []*cost, mode raw.Mode, set *payload.Set) *table {
	t := &table{
		title:  fmt.Sprintf("%s, %s: %d bytes, %d connections", mode, set.Name, set.Size(), set.Connections),
		header: []string{"server", "CPU a message, us", "of " + costs[0].server.peer.Name, "without inflating, us", "smaller by", "allocations", "bytes allocated"},
	}
	first := cpu(costs[0].both)
	for _, c := range slices.SortedFunc(slices.Values(costs), func(a, b *cost) int { return cmp.Compare(cpu(a.both), cpu(b.both)) }) {
		send := "-"
		if mode.Compresses() {
			send = micro(cpu(c.send))
		}
		t.add(c.server.peer.Name, micro(cpu(c.both)), fmt.Sprintf("%.2f", float64(cpu(c.both))/float64(first)), send,
			fmt.Sprintf("%.2f", median(c.both, func(s sample) float64 { return s.shrunk })),
			fmt.Sprintf("%.1f", median(c.both, func(s sample) float64 { return s.objects })),
			fmt.Sprintf("%.0f", median(c.both, func(s sample) float64 { return s.bytes })))
	}
	return t
}

func cpu(samples []sample) time.Duration {
	return median(samples, func(s sample) time.Duration { return s.cpu })
}

func micro(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e3) }
