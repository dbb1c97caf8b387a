package wasm

import (
	"bytes"
	"math"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

func chunk(op frame.Opcode, first, last bool, data string) core.Event {
	return core.Event{Kind: core.EventMessage, Op: op, First: first, Last: last, Data: []byte(data)}
}

// What is sent may lie in the sandbox or not; events that are no messages are passed
// over; fragments keep their order.
func TestBatchSend(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, nil)
	defer c.Release()
	c.Batch(func(b *Batch) {
		inside := b.Input(6)
		copy(inside, "inside")
		in := chunk(frame.Binary, true, true, "")
		in.Data = inside
		out, n, err := b.Send([]core.Event{
			chunk(frame.Text, true, false, "be"), {Kind: core.EventPing, Op: frame.Ping}, chunk(frame.Text, false, true, "gin"),
			in, chunk(frame.Text, true, true, ""), {Kind: core.EventPong},
		})
		if want := "\x01\x02be\x80\x03gin\x82\x06inside\x81\x00"; string(out) != want || n != 6 || err != nil {
			t.Errorf("%q, %d, %v, want %q", out, n, err, want)
		}
		out, n, err = b.Send([]core.Event{chunk(frame.Text, true, true, "good"), chunk(frame.Text, true, true, "\xFF"), chunk(frame.Text, true, true, "never")})
		if string(out) != "\x81\x04good" || n != 1 || err != nil {
			t.Errorf("%q, %d, %v", out, n, err)
		}
		if out, n, err := b.Send([]core.Event{chunk(frame.Text, true, true, "\xFF")}); len(out) > 0 || n != 0 || err != core.ErrInvalidText {
			t.Errorf("%q, %d, %v", out, n, err)
		}
		if out, n, err := b.Send([]core.Event{{Kind: core.EventPing}}); len(out) > 0 || n != 1 || err != nil {
			t.Errorf("%q, %d, %v", out, n, err)
		}
	})
}

// A batch stops where the caller must act: behind a ping that is to be answered, and
// at the bound of its events.
func TestBatchRecv(t *testing.T) {
	h := newHost(t, Options{Instances: 1})
	c := openConn(t, h, nil)
	defer c.Release()
	masked := func(op frame.Opcode, p string) []byte {
		return frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: op, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, []byte(p))
	}
	c.Batch(func(b *Batch) {
		wire := bytes.Join([][]byte{masked(frame.Text, "a"), masked(frame.Ping, "p"), masked(frame.Text, "b")}, nil)
		n := copy(b.Input(len(wire)), wire)
		taken, events, more, err := b.Recv(1, n)
		if len(events) != 2 || !more || err != nil || string(events[1].Data) != "p" || taken != 14 {
			t.Fatalf("%d, %+v, %t, %v", taken, events, more, err)
		}
		if out, err := b.Output(); string(out) != "\x8A\x01p" || err != nil {
			t.Errorf("%q, %v", out, err)
		}
		n = copy(b.Input(len(wire)), wire[taken:])
		if taken, events, more, err = b.Recv(1, n); len(events) != 1 || more || err != nil || string(events[0].Data) != "b" {
			t.Errorf("%d, %+v, %t, %v", taken, events, more, err)
		}

		wire = bytes.Repeat(masked(frame.Binary, "x"), MaxBatch+3)
		n = copy(b.Input(len(wire)), wire)
		if taken, events, more, err = b.Recv(1, n); len(events) != MaxBatch || !more || err != nil || taken != 7*MaxBatch {
			t.Errorf("%d, %d events, %t, %v", taken, len(events), more, err)
		}
		if _, _, _, err := b.Recv(1, len(wire)+1); err != errBatchInput {
			t.Errorf("more than was lent: %v", err)
		}
		if b.Input(math.MaxInt) != nil {
			t.Error("more memory than there can be")
		}
	})
	// What was given in a batch and not taken is given again, to Recv too.
	if n, ev := c.Recv(2, masked(frame.Text, "c"), nil); n != 7 || string(ev.Data) != "c" {
		t.Errorf("%d, %+v", n, ev)
	}
}
