package sim

import (
	"bytes"
	"strings"

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
