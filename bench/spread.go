package main

import (
	"errors"
	"slices"
	"sync"

	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// A limit is why the machine holds no more connections.
type limit string

func (l limit) Error() string { return string(l) }

// A spread is connections to servers of one peer, in as many processes as they need,
// and as many of clients.
type spread struct {
	spare   uint64 // bytes of memory
	servers []*server
	clients []*fleet
}

// perServer is how many connections a server has at most before there are more of them:
// with more, Linux looks long for a free port.
func (p *plan) perServer() int { return min(p.perProcess, 10_000) }

// shares are n connections, as even as they can be, over processes of at most so many.
func shares(n, most int) (list []int) {
	for processes := (n + most - 1) / most; processes > 0; processes-- {
		list = append(list, n/processes)
		n -= n / processes
	}
	return list
}

// measureSpread is measure with more connections than one server has: what a
// message costs all servers together. The error is a limit if the machine does not
// hold them.
func (p *plan) measureSpread(peer *peers.Peer, stream *raw.Stream, l *load) (sample, error) {
	parts := shares(l.connections, p.perServer())
	done := p.note("%s, %s, %d processes of servers", peer.Name, l, len(parts))
	s := spread{spare: p.spare}
	defer s.stop()
	for _, n := range parts {
		if err := s.add(peer, stream, n, l.flight); err != nil {
			return sample{}, err
		}
	}
	cost, err := measureBursts(s.servers, s.burst, warmth(stream, l.connections, l.flight, p.time), p.time)
	if err == nil {
		done()
	}
	return cost, err
}

// add starts a server, on an address of its own, and a client with n connections that
// sends some messages, so that the memory that they take is taken.
func (s *spread) add(peer *peers.Peer, stream *raw.Stream, n, flight int) error {
	free, err := memoryLeft()
	if err != nil {
		return err
	}
	if free < s.spare {
		return errUsedUp
	}
	server, err := start(&job{peer: peer, mode: stream.Mode, listen: address(1, len(s.servers)) + ":0"})
	if err != nil {
		return err
	}
	s.servers = append(s.servers, server)
	client, err := startFleet(server, stream, n, flight)
	if err != nil {
		return err
	}
	s.clients = append(s.clients, client)
	_, err = client.burst(flight)
	return err
}

// burst has all clients send messages at the same time.
func (s *spread) burst(messages int) (total raw.Tally, err error) {
	tallies, errs := make([]raw.Tally, len(s.clients)), make([]error, len(s.clients))
	var wg sync.WaitGroup
	for i, client := range s.clients {
		wg.Go(func() { tallies[i], errs[i] = client.burst(messages) })
	}
	wg.Wait()
	for _, t := range tallies {
		total.Add(t)
	}
	return total, errors.Join(errs...)
}

// stop ends all processes, clients first.
func (s *spread) stop() {
	for _, client := range slices.Backward(s.clients) {
		client.stop()
	}
	stop(s.servers)
}
