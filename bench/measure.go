package main

import (
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

// measure has connections send a stream to a server and back for about so long.
func measure(s *server, stream *raw.Stream, connections, flight int, long time.Duration) (sample, error) {
	fleet, err := raw.NewFleet(s.target(), stream, connections, flight)
	if err != nil {
		return sample{}, s.failed(err)
	}
	defer fleet.Close()
	cost, err := measureBursts([]*server{s}, fleet.Burst, warmth(stream, connections, flight, long), long)
	return cost, s.failed(err)
}

// measureBursts has clients send so many messages a connection to warm up, and then
// for about so long.
func measureBursts(servers []*server, burst func(messages int) (raw.Tally, error), warmup int, long time.Duration) (sample, error) {
	began := time.Now()
	if _, err := burst(warmup); err != nil {
		return sample{}, err
	}
	messages := int(float64(warmup)*long.Seconds()/time.Since(began).Seconds()) + 1
	var tally raw.Tally
	cost, err := spent(servers, func() (_ int, err error) {
		tally, err = burst(messages)
		return tally.Messages, err
	})
	cost.shrunk = float64(tally.Payload) / float64(tally.Wire)
	return cost, err
}

// warmth is how many messages a connection sends before it is measured for so long.
// Where it compresses they are more than any window; elsewhere all of them together
// take a tenth of the time, if a message takes 15 us or a GiB a second.
func warmth(stream *raw.Stream, connections, flight int, long time.Duration) int {
	size := stream.Set.Size()
	if stream.Mode.Compresses() {
		return 40<<10/size + 1
	}
	each := max(15*time.Microsecond, time.Duration(size))
	return max(int(long/10/each)/connections, flight)
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
