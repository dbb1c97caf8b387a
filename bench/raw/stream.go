package raw

import (
	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Stream is a payload.Set as a client sends it: frames, made once for all
// connections. A lap is once through its messages. The first message of a lap refers
// to nothing before it, so that laps can follow one another. Goroutines may share it.
type Stream struct {
	Set  *payload.Set
	Mode Mode

	laps []byte // two, so that what begins in the first can end in the second
	ends []int  // of the frames in laps
}

// Batch returns n frames, at most a lap, in one piece: those from that number on.
func (s *Stream) Batch(number, n int) []byte {
	first, begin := number%len(s.Set.Messages), 0
	if first > 0 {
		begin = s.ends[first-1]
	}
	return s.laps[begin:s.ends[first+n-1]]
}

// buffer is what input is read into, in bytes: so many messages, within reason.
func (s *Stream) buffer(messages int) int {
	return min(max((s.Set.Size()+16)*messages, 512), 128<<10)
}

// mask is over everything: what a mask costs does not depend on it.
var mask = frame.Mask{0x37, 0xfa, 0x21, 0x3d}

// NewStream compresses a Set as the mode says, or has the client send it plain; what
// the server sends is up to the mode alone.
func NewStream(set *payload.Set, mode Mode, plain bool) (*Stream, error) {
	s := &Stream{Set: set, Mode: mode}
	squeeze, err := squeezer(mode)
	if err != nil {
		return nil, err
	}
	frames, size := make([][]byte, len(set.Messages)), 0
	for i, p := range set.Messages {
		h := frame.Header{Fin: true, Opcode: frame.Binary, Masked: true, Mask: mask}
		if set.Text {
			h.Opcode = frame.Text
		}
		if !plain && mode.Compresses() {
			h.RSV1 = true
			p = squeeze(p)
		}
		frames[i] = frame.AppendFrame(nil, h, p)
		size += len(frames[i])
	}
	s.laps = make([]byte, 0, 2*size)
	for i := range 2 * len(frames) {
		s.laps = append(s.laps, frames[i%len(frames)]...)
		s.ends = append(s.ends, len(s.laps))
	}
	return s, nil
}

// squeezer returns what compresses one message after the other.
func squeezer(mode Mode) (func(p []byte) []byte, error) {
	if !mode.Compresses() {
		return nil, nil
	}
	c, err := compress.New(uint8(mode.Bits), 0)
	if err != nil {
		return nil, err
	}
	var w *deflate.Window
	if mode.Takeover {
		window := deflate.MakeWindow(make([]byte, 1<<mode.Bits))
		w = &window
	}
	return func(p []byte) []byte { return c.Append(nil, w, p, true) }, nil
}
