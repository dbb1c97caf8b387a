package raw

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/fb1e3c20/websockets/bench/payload"
)

// replies checks what servers send back. All that a server has sent on a connection
// before a message is known, and so is what a compressed message may refer to. Most
// servers compress the same message behind the same messages the same way: a reply
// that was decompressed once is only compared after that.
type replies struct {
	set  *payload.Set
	mode Mode

	mu    sync.Mutex
	known map[position][]byte // compressed
	hard  map[int]bool        // which messages hardly become shorter, by their index
	zip   io.ReadCloser
	got   []byte
}

// A position is that of a message in the stream of a connection. From the second lap
// on all laps are alike, since a lap fills every window.
type position struct {
	again bool
	index int
}

func newReplies(set *payload.Set, mode Mode) *replies {
	return &replies{set: set, mode: mode, known: map[position][]byte{}, hard: map[int]bool{}, zip: flate.NewReader(nil)}
}

// check checks the reply to the message with this number on its connection.
func (r *replies) check(number int, reply Reply) error {
	at := position{number >= len(r.set.Messages), number % len(r.set.Messages)}
	want := r.set.Messages[at.index]
	if reply.Text != r.set.Text {
		return fmt.Errorf("%s: the reply to message %d has another type", r.set.Name, number)
	}
	if reply.Compressed != r.mode.Compresses() && !r.mayBePlain(at, reply) {
		return fmt.Errorf("%s: the reply to message %d: compressed %t", r.set.Name, number, reply.Compressed)
	}
	if !reply.Compressed {
		return same(r.set.Name, number, reply.Payload, want)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.known[at]; ok && bytes.Equal(known, reply.Payload) {
		return nil
	}
	if err := r.inflate(at, reply.Payload); err != nil {
		return fmt.Errorf("%s: the reply to message %d cannot be decompressed: %w", r.set.Name, number, err)
	}
	if err := same(r.set.Name, number, r.got, want); err != nil {
		return err
	}
	r.known[at] = bytes.Clone(reply.Payload)
	return nil
}

// mayBePlain reports whether a server that compresses may send this message as it is,
// and so is free to: without context takeover, and if it would hardly become shorter.
func (r *replies) mayBePlain(at position, reply Reply) bool {
	if reply.Compressed || r.mode.Takeover {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	hard, known := r.hard[at.index]
	if !known {
		hard = isHard(r.set.Messages[at.index])
		r.hard[at.index] = hard
	}
	return hard
}

// isHard reports whether p becomes shorter by less than a quarter.
func isHard(p []byte) bool {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed) // a level that exists
	w.Write(p)                                     // a buffer takes all
	w.Flush()
	return out.Len() > len(p)*3/4
}

func same(name string, number int, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s: the reply to message %d differs: %d bytes, want %d", name, number, len(got), len(want))
	}
	return nil
}

// tail ends a message, and then the stream.
const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// inflate decompresses p, which stands at this position, with the standard library.
func (r *replies) inflate(at position, p []byte) error {
	src := io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte(tail)))
	if err := r.zip.(flate.Resetter).Reset(src, r.history(at)); err != nil {
		return err
	}
	r.got = r.got[:0]
	for {
		if len(r.got) == cap(r.got) {
			r.got = append(r.got, 0)[:len(r.got)]
		}
		n, err := r.zip.Read(r.got[len(r.got):cap(r.got)])
		r.got = r.got[:len(r.got)+n]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(r.got) > maxMessage:
			return fmt.Errorf("more than %d bytes", maxMessage)
		}
	}
}

// history returns what a compressed message at this position may refer to.
func (r *replies) history(at position) []byte {
	if !r.mode.Takeover {
		return nil
	}
	size, n := 1<<r.mode.Bits, len(r.set.Messages)
	var parts [][]byte
	for i, have := at.index-1, 0; have < size && (i >= 0 || at.again && i >= -n); i-- {
		p := r.set.Messages[(i+n)%n]
		parts = append(parts, p)
		have += len(p)
	}
	var history []byte
	for i := len(parts) - 1; i >= 0; i-- {
		history = append(history, parts[i]...)
	}
	return history[max(0, len(history)-size):]
}
