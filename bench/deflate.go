package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// deflate measures permessage-deflate: for each mode and payload what a message costs
// each server that has the mode, then what its idle connections hold.
func deflate(p *plan, out io.Writer) error {
	p = p.libraries()
	for _, mode := range p.modes {
		if err := deflateMode(p, mode, out); err != nil {
			return err
		}
	}
	return deflateIdle(p, out)
}

func deflateTakes(p *plan) time.Duration {
	p = p.libraries()
	sets, total := 0, time.Duration(0)
	for _, set := range payload.Sets() {
		if p.wants(set.Name) {
			sets++
		}
	}
	for _, mode := range p.modes {
		turns := sets * p.rounds * p.count(mode)
		if mode.Compresses() {
			turns *= 2
		}
		total += time.Duration(turns)*(p.turn()+50*time.Millisecond) + time.Duration(p.count(mode)*p.idle)*2*time.Millisecond
	}
	return total
}

// libraries is the plan without servers that know no WebSocket.
func (p *plan) libraries() *plan {
	some := *p
	some.peers = slices.DeleteFunc(slices.Clone(p.peers), func(peer *peers.Peer) bool { return peer.Plain })
	return &some
}

// connections is how many send a set.
func (p *plan) connections(set *payload.Set) int {
	if p.short {
		return min(set.Connections, 4)
	}
	return set.Connections
}

func deflateMode(p *plan, mode raw.Mode, out io.Writer) error {
	servers, err := p.start(mode)
	defer stop(servers)
	if err != nil {
		return err
	}
	for _, set := range payload.Sets() {
		if !p.wants(set.Name) {
			continue
		}
		done := p.note("%s, %s, %d servers, %d rounds", mode.Name, set.Name, len(servers), p.rounds)
		costs, err := deflateCosts(p, servers, mode, set)
		if err != nil {
			return err
		}
		done()
		if err := p.costTable(costs, mode, set).print(out, p.markdown); err != nil {
			return err
		}
	}
	return nil
}

// A deflateCost is what the messages of a set cost one server, in each round: as the
// client compresses them, and as it does not, so that the server only compresses.
type deflateCost struct {
	server     *server
	both, send []sample
}

func deflateCosts(p *plan, servers []*server, mode raw.Mode, set *payload.Set) ([]*deflateCost, error) {
	compressed, err := raw.NewStream(set, mode, false)
	if err != nil {
		return nil, err
	}
	plain, err := raw.NewStream(set, mode, true)
	if err != nil {
		return nil, err
	}
	costs := make([]*deflateCost, len(servers))
	for i, s := range servers {
		costs[i] = &deflateCost{server: s}
	}
	return costs, p.turns(servers, func(i int) error {
		c := costs[i]
		both, err := measure(c.server, compressed, p.connections(set), 1, p.time)
		if err != nil {
			return err
		}
		if mode.Compresses() {
			send, err := measure(c.server, plain, p.connections(set), 1, p.time)
			if err != nil {
				return err
			}
			c.send = append(c.send, send)
		}
		c.both = append(c.both, both)
		return nil
	})
}

// costTable has the cheapest first, and the ratios to the peer that was asked for
// first: this library.
func (p *plan) costTable(costs []*deflateCost, mode raw.Mode, set *payload.Set) *table {
	t := &table{
		title:  fmt.Sprintf("%s, %s: %d bytes, %d connections", mode, set.Name, set.Size(), p.connections(set)),
		header: []string{"server", "CPU a message, us", "of " + costs[0].server.peer.Name, "without inflating, us", "smaller by", "allocations", "bytes allocated"},
	}
	first := cpu(costs[0].both)
	for _, c := range slices.SortedFunc(slices.Values(costs), func(a, b *deflateCost) int { return cmp.Compare(cpu(a.both), cpu(b.both)) }) {
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
