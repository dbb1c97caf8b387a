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
	flight  int
	sent    int // messages, by each connection
}

// NewFleet opens n connections, each of which sends so many messages in one write
// before it waits for their echoes; at most as many as a lap has.
func NewFleet(server Target, stream *Stream, n, flight int) (*Fleet, error) {
	f := &Fleet{stream: stream, replies: newReplies(stream.Set, stream.Mode), flight: flight}
	if flight < 1 || flight > len(stream.Set.Messages) {
		return nil, fmt.Errorf("%s: %d messages at a time, of %d", stream.Set.Name, flight, len(stream.Set.Messages))
	}
	for range n {
		c, err := Dial(server, stream.Mode.Offer(), stream.buffer(flight))
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

// Add adds what another Burst has moved.
func (t *Tally) Add(o Tally) {
	t.Messages += o.Messages
	t.Payload += o.Payload
	t.Wire += o.Wire
}

// Burst has every connection send messages, as many as asked for or a few more to fill
// the last write, and checks the echoes.
func (f *Fleet) Burst(messages int) (Tally, error) {
	flights := (messages + f.flight - 1) / f.flight
	tallies := make([]Tally, len(f.conns))
	err := f.each(func(i int, c *Conn) (err error) {
		tallies[i], err = f.pingPong(c, flights)
		return err
	})
	f.sent += flights * f.flight
	total := Tally{}
	for _, t := range tallies {
		total.Add(t)
	}
	return total, err
}

// Expect waits for one message from the server on each connection, which must be this
// text. Plain servers send none.
func (f *Fleet) Expect(text string) error {
	return f.each(func(_ int, c *Conn) error {
		if c.plain {
			return nil
		}
		reply, err := c.Read()
		if err != nil {
			return err
		}
		if string(reply.Payload) != text || !reply.Text {
			return fmt.Errorf("the server sends %.32q; want %q", reply.Payload, text)
		}
		return nil
	})
}

// Broadcast has the first connection send messages, one after the other, and all of
// them receive each; and checks them.
func (f *Fleet) Broadcast(messages int) (t Tally, err error) {
	for number := f.sent; number < f.sent+messages; number++ {
		batch := f.stream.Batch(number, 1)
		if err := f.conns[0].Write(batch); err != nil {
			return t, err
		}
		err := f.each(func(_ int, c *Conn) error {
			var t Tally
			return f.receive(c, number, 1, batch, &t)
		})
		if err != nil {
			return t, err
		}
	}
	f.sent += messages
	t.Messages = messages * len(f.conns)
	return t, nil
}

// each calls do for all connections at once.
func (f *Fleet) each(do func(i int, c *Conn) error) error {
	errs := make([]error, len(f.conns))
	var wg sync.WaitGroup
	for i, c := range f.conns {
		wg.Go(func() {
			if err := do(i, c); err != nil {
				errs[i] = fmt.Errorf("connection %d: %w", i, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *Fleet) pingPong(c *Conn, flights int) (t Tally, err error) {
	for number := f.sent; number < f.sent+flights*f.flight; number += f.flight {
		batch := f.stream.Batch(number, f.flight)
		err := c.exchange(batch, func() error { return f.receive(c, number, f.flight, batch, &t) })
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// receive waits for the echoes of n messages from this number on, which are batch, and
// adds them to t.
func (f *Fleet) receive(c *Conn, number, n int, batch []byte, t *Tally) error {
	if c.plain {
		t.Messages += n
		t.Wire += int64(len(batch))
		return c.ReadSame(batch)
	}
	messages := f.stream.Set.Messages
	for i := number; i < number+n; i++ {
		reply, err := c.Read()
		if err != nil {
			return err
		}
		if err := f.replies.check(i, reply); err != nil {
			return err
		}
		t.Messages++
		t.Payload += int64(len(messages[i%len(messages)]))
		t.Wire += int64(reply.Wire)
	}
	return nil
}
