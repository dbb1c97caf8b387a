package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/bench/raw"
)

// A sample is what a message cost a server in one round.
type sample struct {
	cpu     time.Duration
	objects float64 // allocated
	bytes   float64 // allocated
	shrunk  float64 // bytes of payload for each on the wire, in what the server sent
}

// warmth is how many bytes a connection sends before it is measured: more than any
// window.
const warmth = 40 << 10

// measure has connections send a stream to a server and back for about so long.
func measure(s *server, stream *raw.Stream, long time.Duration) (sample, error) {
	fleet, err := raw.NewFleet(s.addr, stream, stream.Set.Connections)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", s, err)
	}
	defer fleet.Close()
	warmup, began := warmth/stream.Set.Size()+1, time.Now()
	if _, err := fleet.Burst(warmup); err != nil {
		return sample{}, fmt.Errorf("%s: %w", s, err)
	}
	messages := int(float64(warmup)*long.Seconds()/time.Since(began).Seconds()) + 1

	memory, err := s.memory(false)
	if err != nil {
		return sample{}, err
	}
	cpu, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	tally, err := fleet.Burst(messages)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", s, err)
	}
	cpuAfter, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	memoryAfter, err := s.memory(false)
	if err != nil {
		return sample{}, err
	}
	n := float64(tally.Messages)
	return sample{
		cpu:     time.Duration(float64(cpuAfter-cpu) / n),
		objects: float64(memoryAfter.Objects-memory.Objects) / n,
		bytes:   float64(memoryAfter.Bytes-memory.Bytes) / n,
		shrunk:  float64(tally.Payload) / float64(tally.Wire),
	}, nil
}

// median returns the median of what of tells of each sample.
func median[T ~int64 | ~float64](samples []sample, of func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
