package flight

import (
	"fmt"
	"sync"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
)

// An Op names a call: a method of [transport.Machine], or what stands for one
// in a recording.
type Op uint8

// The values are those of the file.
const (
	opEnd Op = iota

	Recv
	Discarded // a Recv of input that the machine throws away: only its length is kept
	RecvEOF
	Lost
	Tick
	ReadingOn    // SetReading(now, true)
	ReadingOff   // SetReading(now, false)
	ReadAheadOn  // SetReadAhead(now, true)
	ReadAheadOff // SetReadAhead(now, false)
	Wrote
	AppendOutput
	AppendFragment
	AppendMessage
	AppendHeader
	AppendPing
	AppendClose
	Accept
	Reject

	// Checkpoint is no call: the whole state was kept, so that what came before
	// can be dropped.
	Checkpoint
	// Gap is a Checkpoint that follows a call with more data than is kept.
	Gap
)

var opNames = [...]string{
	"end", "Recv", "Recv (discarded)", "RecvEOF", "Lost", "Tick", "SetReading(true)", "SetReading(false)",
	"SetReadAhead(true)", "SetReadAhead(false)", "Wrote", "AppendOutput", "AppendFragment", "AppendMessage",
	"AppendHeader", "AppendPing", "AppendClose", "Accept", "Reject", "checkpoint", "gap",
}

func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("op %d", uint8(o))
}

// timed reports whether the call is told the time.
func (o Op) timed() bool {
	switch o {
	case AppendOutput, AppendFragment, AppendMessage, AppendHeader, AppendPing, Checkpoint, Gap:
		return false
	}
	return true
}

// saves reports whether o keeps the state in place of a call.
func (o Op) saves() bool { return o == Checkpoint || o == Gap }

// A Call is one call of a machine with its arguments. Which of them it has
// depends on Op.
type Call struct {
	Op  Op
	Now clock.Time // the time that was told; of the Append methods but AppendClose, the last one told before

	// Data is the input that Recv consumed, the payload of a frame, the reason
	// of AppendClose, or the state of a Checkpoint.
	Data []byte

	N       int             // bytes: Wrote, AppendHeader, Discarded
	Unread  bool            // Recv: there was input, and none of it was taken
	Scratch int             // Recv: the length of the scratch, at most 64 KiB
	Opcode  frame.Opcode    // AppendFragment, AppendMessage, AppendHeader
	Fin     bool            // AppendFragment, AppendHeader: the message ends
	Code    frame.CloseCode // AppendClose

	Accept core.AcceptOptions
	Reject core.RejectOptions
}

// size returns about how many bytes the arguments take.
func (c *Call) size() int {
	n := len(c.Data) + len(c.Accept.Subprotocol) + len(c.Reject.Body)
	for _, list := range [...][]core.Field{c.Accept.Header, c.Reject.Header} {
		for _, f := range list {
			n += len(f.Name) + len(f.Value)
		}
	}
	return n
}

// String returns the call in words, without the time.
func (c *Call) String() string {
	switch c.Op {
	case Recv:
		if c.Unread {
			return "Recv, which takes nothing yet"
		}
		return fmt.Sprintf("Recv %s", bytesOf(len(c.Data)))
	case Discarded:
		return fmt.Sprintf("Recv %s, discarded", bytesOf(c.N))
	case Wrote:
		return fmt.Sprintf("Wrote %s", bytesOf(c.N))
	case AppendFragment:
		return fmt.Sprintf("AppendFragment %s, %s%s", c.Opcode, bytesOf(len(c.Data)), ending(c.Fin))
	case AppendMessage:
		return fmt.Sprintf("AppendMessage %s, %s", c.Opcode, bytesOf(len(c.Data)))
	case AppendHeader:
		return fmt.Sprintf("AppendHeader %s, %s%s", c.Opcode, bytesOf(c.N), ending(c.Fin))
	case AppendPing:
		return fmt.Sprintf("AppendPing, %s", bytesOf(len(c.Data)))
	case AppendClose:
		return fmt.Sprintf("AppendClose %d %q", uint16(c.Code), c.Data)
	case Accept:
		if c.Accept.Subprotocol == "" {
			return "Accept"
		}
		return fmt.Sprintf("Accept %q", c.Accept.Subprotocol)
	case Reject:
		return fmt.Sprintf("Reject %d", c.Reject.Status)
	}
	return c.Op.String()
}

func ending(fin bool) string {
	if fin {
		return ", the last"
	}
	return ""
}

func bytesOf(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// An Answer is what a machine answered to a call.
type Answer struct {
	N     int        // Recv: how much of the input was consumed
	Event core.Event // of the calls that report one
	Out   []byte     // what was appended
	Err   error      // why the call was refused
}

// hands make calls. Their memory is used again for each.
type hands struct {
	in, out, scratch []byte
}

// do makes the call c of m. The answer is valid until the next.
func (h *hands) do(m transport.Machine, c *Call) (a Answer) {
	switch c.Op {
	case Recv, Discarded:
		h.lend(c)
		a.N, a.Event = m.Recv(c.Now, h.in, h.scratch)
	case RecvEOF:
		a.Event = m.RecvEOF(c.Now)
	case Lost:
		a.Event = m.Lost(c.Now)
	case Tick:
		a.Event = m.Tick(c.Now)
	case ReadingOn, ReadingOff:
		m.SetReading(c.Now, c.Op == ReadingOn)
	case ReadAheadOn, ReadAheadOff:
		m.SetReadAhead(c.Now, c.Op == ReadAheadOn)
	case Wrote:
		m.Wrote(c.Now, c.N)
	case Accept:
		a.Err = m.Accept(c.Now, c.Accept)
	case Reject:
		a.Err = m.Reject(c.Now, c.Reject)
	default:
		h.append(m, c, &a)
	}
	return a
}

func (h *hands) append(m transport.Machine, c *Call, a *Answer) {
	out := h.out[:0]
	switch c.Op {
	case AppendOutput:
		out = m.AppendOutput(out)
	case AppendFragment:
		out, a.Err = m.AppendFragment(out, c.Opcode, c.Data, c.Fin)
	case AppendMessage:
		out, a.Err = m.AppendMessage(out, c.Opcode, c.Data)
	case AppendHeader:
		out, _, a.Err = m.AppendHeader(out, c.Opcode, core.HeaderOptions{More: !c.Fin}, c.N)
	case AppendPing:
		out, a.Err = m.AppendPing(out, c.Data)
	case AppendClose:
		out, a.Err = m.AppendClose(c.Now, out, c.Code, string(c.Data))
	}
	h.out, a.Out = out, out
}

// lend fills the memory that Recv may write to. Of input that was not taken, or
// is thrown away, any bytes will do.
func (h *hands) lend(c *Call) {
	n := len(c.Data)
	switch {
	case c.Op == Discarded:
		n = min(c.N, mostDiscarded)
	case c.Unread:
		n = 1
	}
	if n > cap(h.in) {
		h.in = make([]byte, n)
	}
	h.in = h.in[:n]
	clear(h.in[copy(h.in, c.Data):])
	if c.Scratch > cap(h.scratch) {
		h.scratch = make([]byte, c.Scratch)
	}
	h.scratch = h.scratch[:c.Scratch]
}

// mostScratch bounds the scratch of a Recv.
const mostScratch = 64 << 10

// mostDiscarded bounds N of Discarded, so that a small file is not much work.
const mostDiscarded = 64 << 10

// spare are hands for the shadows.
var spare = sync.Pool{New: func() any { return new(hands) }}

// giveBack makes h spare, unless it has grown large.
func (h *hands) giveBack() {
	const large = 256 << 10
	if cap(h.in) <= large && cap(h.out) <= large {
		spare.Put(h)
	}
}
