package flight_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

var pool compress.Pool

// Connections that compress are recorded and replayed as others are.
func TestRandomLivesThatCompress(t *testing.T) {
	var all strings.Builder
	dropped, compressed := 0, 0
	lives(t, func(t *testing.T, b flight.Birth) {
		for seed := range uint64(25) {
			c := config(seed)
			c.Compression = &core.Compression{Lend: &pool, NoSendTakeover: seed%5 == 1, NoReceiveTakeover: !b.Open && seed%5 == 2}
			if b.Open {
				b.Compression = &deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: seed%5 != 1, ReceiveTakeover: true}
			}
			var plain string
			for _, o := range []flight.Options{{}, {Limit: 1}} {
				b.Settings = settings(t, c)
				f := record(t, b, o)
				l := life{seed: seed, m: f, role: b.Role, peer: newSqueezer(t)}
				seen := l.run(400, b.Open)
				r, steps := replays(t, f)
				if r.Stopped != "" {
					t.Fatalf("seed %d, %+v: stopped: %s", seed, o, r.Stopped)
				}
				all.WriteString(strings.Join(steps, "\n"))
				if r.Dropped {
					dropped++
				}
				if _, ok := f.Compression(); ok {
					compressed++
				}
				if plain == "" {
					c.Entropy = config(seed).Entropy
					b.Settings = settings(t, c)
					l := life{seed: seed, m: plainly(t, b), role: b.Role, peer: newSqueezer(t)}
					plain = l.run(400, b.Open)
				}
				c.Entropy = config(seed).Entropy
				if seen != plain {
					t.Fatalf("seed %d, %+v: the recorded machine behaves in another way", seed, o)
				}
			}
		}
	})
	for _, mark := range []string{"event: message text, first, last", "event: message binary, first", "Recv, which takes nothing yet; event: message", "event: failed", "checkpoint"} {
		if !strings.Contains(all.String(), mark) {
			t.Errorf("no life has %q", mark)
		}
	}
	if dropped < 5 || compressed < 50 {
		t.Errorf("%d recordings reached their limit, and %d connections compressed", dropped, compressed)
	}
}

// What a recording says of compression is what the connection had.
func TestCompressionIsKept(t *testing.T) {
	policy := core.Compression{SendWindowBits: 9, ReceiveWindowBits: 15, NoSendTakeover: true, Level: 7, Threshold: -1, Lend: &pool}
	for _, agreed := range []*deflate.Params{nil, {SendBits: 8, ReceiveBits: 10, ReceiveTakeover: true}} {
		f := record(t, flight.Birth{Open: true, Compression: agreed, Settings: settings(t, core.Config{Compression: &policy})}, flight.Options{})
		r := read(t, f.AppendRecording(nil, ""))
		got := *r.Birth.Settings.Config().Compression
		if got.Lend == nil {
			t.Error("nothing lends")
		}
		got.Lend = policy.Lend
		if got != policy {
			t.Errorf("%+v; want %+v", got, policy)
		}
		if p := r.Birth.Compression; (p == nil) != (agreed == nil) || p != nil && *p != *agreed {
			t.Errorf("agreed on %v; want %v", p, agreed)
		}
	}
}

func TestRedactionOfCompressedIsRefused(t *testing.T) {
	b := flight.Birth{Settings: settings(t, core.Config{Compression: &core.Compression{Lend: &pool}})}
	if _, err := flight.Record(b, flight.Options{Redact: true}); !errors.Is(err, flight.ErrRedactCompressed) {
		t.Error(err)
	}
}

// A file with compression that cannot be is refused.
func TestForgedCompression(t *testing.T) {
	b := flight.Birth{Open: true, Compression: &deflate.Params{SendBits: 12, ReceiveBits: 12}, Settings: settings(t, core.Config{
		Compression: &core.Compression{SendWindowBits: 11, ReceiveWindowBits: 13, Level: 3, Threshold: 9, Lend: &pool},
	})}
	f := record(t, b, flight.Options{})
	f.Recv(1, frame.AppendFrame(nil, frame.Header{Fin: true, RSV1: true, Opcode: frame.Text, Masked: true}, []byte("\xf2\x48\xcd\xc9\xc9\x07\x00")), make([]byte, 5000))
	good := f.AppendRecording(nil, "")
	at := bytes.Index(good, []byte{11, 13, 4, 3, 18, 12, 12, 3})
	if at < 0 {
		t.Fatalf("the compression is not where it is looked for: %x", good)
	}
	for i, bad := range [][]byte{{7}, {16}, {8}, {10}, nil, {7}, {16}, {4}} {
		if bad == nil {
			continue
		}
		file := bytes.Clone(good)
		copy(file[at+i:], bad)
		var format *flight.FormatError
		if _, err := flight.Read(bytes.NewReader(sealed(file))); !errors.As(err, &format) {
			t.Errorf("byte %d is %v: %v", i, bad, err)
		}
	}
	scratch := bytes.Index(good, []byte{0xFF, 0x88, 0x27})
	if scratch < 0 {
		t.Fatalf("the scratch is not where it is looked for: %x", good)
	}
	for _, bad := range []string{"\xfe", "\xff\xff\xff\x07", "\x80"} {
		file := bytes.Clone(good)
		copy(file[scratch:], bad)
		var format *flight.FormatError
		if _, err := flight.Read(bytes.NewReader(sealed(file))); !errors.As(err, &format) {
			t.Errorf("a scratch of %x: %v", bad, err)
		}
	}
}
