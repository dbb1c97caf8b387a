package raw

import (
	"errors"
	"fmt"
	"sync"
)

// A Fleet is connections to one server that send one Stream.
type Fleet struct {
	stream  *Stream
	replies *replies
	conns   []*Conn
	sent    int // messages, by each connection
}

// NewFleet opens so many connections.
func NewFleet(addr string, stream *Stream, n int) (*Fleet, error) {
	f := &Fleet{stream: stream, replies: newReplies(stream.Set, stream.Mode)}
	for range n {
		c, err := Dial(addr, stream.Mode.Offer())
		if err != nil {
			f.Close()
			return nil, err
		}
		f.conns = append(f.conns, c)
		if err := stream.Mode.Check(c.Agreed); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// Close closes all connections.
func (f *Fleet) Close() {
	for _, c := range f.conns {
		c.Close()
	}
}

// A Tally is what a Burst has moved.
type Tally struct {
	Messages int
	Payload  int64 // bytes of the replies, decompressed
	Wire     int64 // bytes of the replies, on the wire
}

// Burst has every connection send so many messages and wait for the echo of each
// before the next, and checks the echoes.
func (f *Fleet) Burst(messages int) (Tally, error) {
	tallies, errs := make([]Tally, len(f.conns)), make([]error, len(f.conns))
	var wg sync.WaitGroup
	for i, c := range f.conns {
		wg.Go(func() {
			tallies[i], errs[i] = f.pingPong(c, messages)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("connection %d: %w", i, errs[i])
			}
		})
	}
	wg.Wait()
	f.sent += messages
	total := Tally{}
	for _, t := range tallies {
		total.Messages += t.Messages
		total.Payload += t.Payload
		total.Wire += t.Wire
	}
	return total, errors.Join(errs...)
}

func (f *Fleet) pingPong(c *Conn, messages int) (t Tally, err error) {
	frames := f.stream.Frames
	for number := f.sent; number < f.sent+messages; number++ {
		index := number % len(frames)
		if err := c.Write(frames[index]); err != nil {
			return t, err
		}
		reply, err := c.Read()
		if err != nil {
			return t, err
		}
		if err := f.replies.check(number, reply); err != nil {
			return t, err
		}
		t.Messages++
		t.Payload += int64(len(f.stream.Set.Messages[index]))
		t.Wire += int64(reply.Wire)
	}
	return t, nil
}
