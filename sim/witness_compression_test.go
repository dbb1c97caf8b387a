package sim

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
)

// compression is how the core of a witnessRun compresses.
func (r *witnessRun) compression() *core.Compression {
	s := r.s
	return &core.Compression{
		SendWindowBits:    pick(s, 0, 8, 9, 15),
		ReceiveWindowBits: pick(s, 0, 8, 9, 15),
		NoSendTakeover:    s.below(2) == 1,
		NoReceiveTakeover: s.below(2) == 1,
		Level:             pick(s, 0, 9),
		Threshold:         pick(s, 0, -1, 5),
		Lend:              new(countingLender),
	}
}

var (
	witnessedOffers = []string{
		"Sec-WebSocket-Extensions: permessage-deflate\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
		"Sec-WebSocket-Extensions: x-other; a=b, permessage-deflate; server_max_window_bits=8; client_max_window_bits=10\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=\"9\"\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; mystery, permessage-deflate; server_no_context_takeover\r\n",
		"",
	}
	witnessedChoices = []string{
		"",
		"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8; client_max_window_bits=9; server_no_context_takeover\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
		"Sec-WebSocket-Extensions: x-other\r\n",
	}
)

// deflated are pieces of compressed data such as no compressor makes, good and bad.
var deflated = []string{
	"\x00\x05\x00\xfa\xffHello\x00",                           // a stored block
	"\x00\x01\x00\xfe\xffH\x00\x01\x00\xfe\xffi\x00",          // two of them
	"\x00\x01\x00\xfe\xffH\x06",                               // and what is no block
	"\x00\x40\x00\xbf\xff" + strings.Repeat("0", 64) + "\x06", // of many bytes
	"\x01\x05\x00\xfa\xffHello\x00",                           // the last of its stream, and another
	"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",                        // the same with codes
	"\x00\x05\x00\xfa\xfeHello",                               // its length is not what it says
	"\xf2\x48\xcd\xc9\xc9\x07\x00",                            // a good one
	"\xf2\x48\xcd",                                            // that ends in its middle
	"\xf2\x00\x11\x00\x00",                                    // a distance before the beginning
	"\x06", "\x00", "",
}

// compressData has the peer compress a part of a message, or not.
func (r *witnessRun) compressData(h *frame.Header, p *[]byte) {
	s, peer, z := r.s, &r.peer, r.w.mirror.compression
	if h.Opcode != frame.Continuation {
		peer.deflates = z != nil && s.below(4) > 0
		h.RSV1 = peer.deflates
	}
	if !peer.deflates {
		return
	}
	if s.oneIn(4) {
		*p = bytes.Repeat(*p, s.below(100))
	}
	if s.oneIn(8) {
		*p = []byte(pick(s, deflated...))
		return
	}
	bits := z.agreed.ReceiveBits
	if s.oneIn(64) && !r.lawful {
		bits = deflate.MaxWindowBits
	}
	if peer.window.Size() == 0 {
		peer.window = deflate.MakeWindow(make([]byte, 1<<bits))
	}
	if h.RSV1 && !z.agreed.ReceiveTakeover {
		peer.window.Clear()
	}
	d := sharedPool.Deflater(bits, 1)
	*p = bytes.Clone(d.Deflate(&peer.window, *p, h.Fin))
	sharedPool.ReturnDeflater(bits, 1, d)
}

// What a witness says of a machine that compresses otherwise than was agreed.
func TestWitnessNoticesCompression(t *testing.T) {
	same := deflate.Params{SendBits: 8, ReceiveBits: 8, SendTakeover: true, ReceiveTakeover: true}
	noise := scrambled(400)
	far := append(bytes.Clone(noise[:300]), noise[:300]...)
	for _, test := range []struct {
		name    string
		machine func(p *deflate.Params)
		make    func(f *faulty, l *countingLender)
		says    string
	}{
		{"nothing is wrong", func(*deflate.Params) {}, nil, ""},
		{"it refers too far back", func(p *deflate.Params) { p.SendBits = 15 }, nil,
			"output: 0s, server, AppendMessage of 600 bytes: compressed binary frame of"},
		{"it keeps no window", func(p *deflate.Params) { p.ReceiveTakeover = false }, nil,
			`input: 0s, server, Recv of 10 bytes: reported failed with "compressed data is corrupt", want message`},
		{"it takes what refers too far back", func(p *deflate.Params) { p.ReceiveBits = 15 }, nil,
			"first true, last true; want binary, first true, last false"},
		{"it does not say that a message is compressed", func(*deflate.Params) {}, func(f *faulty, _ *countingLender) {
			f.message = func(out []byte) []byte { out[0] &^= 0x40; return out }
		}, "output: 0s, server, AppendMessage of 600 bytes: binary frame is compressed: false, want true"},
		{"a byte is wrong", func(*deflate.Params) {}, func(f *faulty, _ *countingLender) {
			f.message = func(out []byte) []byte { out[10] ^= 1; return out }
		}, "compressed binary frame"},
		{"a chunk is cut", func(*deflate.Params) {}, func(f *faulty, _ *countingLender) {
			f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) {
				ev.Data = ev.Data[:max(len(ev.Data)-1, 0)]
				return n, ev
			}
		}, "input: 0s, server, Recv of"},
		{"a chunk is elsewhere", func(*deflate.Params) {}, func(f *faulty, _ *countingLender) {
			f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) {
				ev.Data = bytes.Clone(ev.Data)
				return n, ev
			}
		}, "memory: 0s, server, Recv of"},
		{"something is kept", func(*deflate.Params) {}, func(f *faulty, l *countingLender) {
			f.recv = func(n int, ev core.Event, _ []byte) (int, core.Event) {
				l.Inflater()
				return n, ev
			}
		}, "what was lent to decompress a message is kept"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, lender := "", new(countingLender)
			cfg := core.Config{Compression: &core.Compression{SendWindowBits: 8, ReceiveWindowBits: 8, Lend: lender}}
			set, err := core.NewSettings(cfg)
			if err != nil {
				t.Fatal(err)
			}
			c, err := core.NewOpen(set, 0, core.Server)
			if err != nil {
				t.Fatal(err)
			}
			agreed := same
			test.machine(&agreed)
			if err := c.Compress(agreed); err != nil {
				t.Fatal(err)
			}
			f := &faulty{Machine: c}
			if test.make != nil {
				test.make(f, lender)
			}
			w := newWitness(f, core.Server, cfg, 0, true, nil, func(o string, err error) { said = o + ": " + err.Error() })
			hear := func(p []byte) {
				h := frame.Header{Fin: true, RSV1: true, Opcode: frame.Binary, Masked: true}
				scratch := make([]byte, core.ScratchSize+1000)
				for in := frame.AppendFrame(nil, h, p); len(in) > 0 && said == ""; {
					n, _ := w.Recv(0, in, scratch)
					in = in[n:]
				}
			}
			hear(compressAlone(noise[:100]))
			hear([]byte("\x02\x13\x00\x00")) // three bytes, from two bytes back
			hear(compressAlone(far))
			if said == "" || strings.Contains(test.says, "output") {
				said = ""
				c2, _ := core.NewOpen(set, 0, core.Server)
				if err := c2.Compress(agreed); err != nil {
					t.Fatal(err)
				}
				f.Machine = c2
				w := newWitness(f, core.Server, cfg, 0, true, nil, func(o string, err error) { said = o + ": " + err.Error() })
				w.AppendMessage(nil, frame.Binary, far)
				w.AppendMessage(nil, frame.Binary, far)
			}
			if test.says == "" && said != "" || !strings.Contains(said, test.says) {
				t.Errorf("said %q, want %q", said, test.says)
			}
		})
	}
}
