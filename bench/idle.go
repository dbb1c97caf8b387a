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

// idleMemory is what each idle connection adds to a server's process, in KiB.
type idleMemory struct{ resident, heap, stack float64 }

// idle measures by how much the resident memory of servers grows with connections that
// have had one message sent back and now rest. Nobody collects garbage.
func idle(p *plan, out io.Writer) error {
	stream, err := raw.NewStream(payload.Binary(128), uncompressed, false)
	if err != nil {
		return err
	}
	rows := map[string][]idleMemory{}
	for range p.rounds {
		for _, peer := range p.peers {
			if !peer.Has(uncompressed) {
				continue
			}
			done := p.note("%s, %d idle connections", peer.Name, p.crowd)
			m, err := idleMemoryOf(p, peer, stream)
			if err != nil {
				return err
			}
			rows[peer.Name] = append(rows[peer.Name], m)
			done()
		}
	}
	if err := idleTable(p, rows).print(out, p.markdown); err != nil {
		return err
	}
	return p.draw("idle", idlePicture(p, rows))
}

func idleTakes(p *plan) time.Duration {
	one := p.rest + time.Second/4 + time.Duration(p.crowd)*300*time.Microsecond
	return time.Duration(p.rounds*p.count(uncompressed)) * one
}

// idleMemoryOf starts a server of its own.
func idleMemoryOf(p *plan, peer *peers.Peer, stream *raw.Stream) (idleMemory, error) {
	s, err := start(&job{peer: peer, mode: uncompressed})
	if err != nil {
		return idleMemory{}, err
	}
	defer s.stop()
	if err := visit(s, stream, 2); err != nil { // so that what all connections share is there
		return idleMemory{}, err
	}
	before, err := s.resident()
	if err != nil {
		return idleMemory{}, err
	}
	fleet, err := raw.NewFleet(s.target(), stream, p.crowd, 1)
	if err != nil {
		return idleMemory{}, s.failed(err)
	}
	defer fleet.Close()
	if _, err := fleet.Burst(1); err != nil {
		return idleMemory{}, s.failed(err)
	}
	time.Sleep(p.rest)
	after, err := s.resident()
	if err != nil {
		return idleMemory{}, err
	}
	each := func(before, after uint64) float64 {
		return (float64(after) - float64(before)) / float64(p.crowd) / 1024
	}
	return idleMemory{each(before.Resident, after.Resident), each(before.Heap, after.Heap), each(before.Stack, after.Stack)}, nil
}

func (m idleMemory) rest() float64 { return m.resident - m.heap - m.stack }

// medianOf returns the median round, by resident memory.
func medianOf(rounds []idleMemory) idleMemory {
	sorted := slices.SortedFunc(slices.Values(rounds), func(a, b idleMemory) int { return cmp.Compare(a.resident, b.resident) })
	return sorted[len(sorted)/2]
}

// idleTable has the smallest first.
func idleTable(p *plan, rows map[string][]idleMemory) *table {
	t := &table{
		title:  fmt.Sprintf("Growth of resident memory over %d connections, after one echo of 128 bytes each and %v of rest, KiB a connection", p.crowd, p.rest),
		header: []string{"server", "resident", "heap", "stack", "other"},
	}
	for _, name := range smallestFirst(rows) {
		m := medianOf(rows[name])
		t.add(name, fmt.Sprintf("%.2f", m.resident), fmt.Sprintf("%.2f", m.heap), fmt.Sprintf("%.2f", m.stack), fmt.Sprintf("%.2f", m.rest()))
	}
	return t
}

func smallestFirst(rows map[string][]idleMemory) []string {
	var names []string
	for name := range rows {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(medianOf(rows[a]).resident, medianOf(rows[b]).resident), cmp.Compare(a, b))
	})
	return names
}

func idlePicture(p *plan, rows map[string][]idleMemory) picture {
	crowd := panel{title: count(p.crowd, "connection")}
	for _, name := range smallestFirst(rows) {
		crowd.bars = append(crowd.bars, bar{name, medianOf(rows[name]).resident})
	}
	return &bars{title: "Idle: resident memory of the server, KiB a connection", panels: []panel{crowd}}
}
