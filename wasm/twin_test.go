package wasm_test

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm"
)

// A twin makes every call of the native core and of one in WebAssembly, and
// compares all that can be seen of both. It answers as the native one does.
type twin struct {
	*core.Conn
	other  *wasm.Conn
	words  []uint32 // that the native core drew in the call under way
	calls  int
	peer   deflate.Window          // of the peer, if a test has it compress
	report func(difference string) // is called once
}

// newTwin makes a twin on h.
func newTwin(h *wasm.Host, b flight.Birth, report func(string)) (*twin, error) {
	t := &twin{report: report}
	c := b.Settings.Config()
	if draw := c.Entropy; draw != nil {
		c.Entropy = func() uint32 {
			t.words = append(t.words, draw())
			return t.words[len(t.words)-1]
		}
	}
	set, err := core.NewSettings(c)
	if err != nil {
		return nil, err
	}
	b.Settings = set
	native, err := b.Machine()
	if err != nil {
		return nil, err
	}
	t.Conn = native.(*core.Conn)
	if c.Entropy != nil {
		c.Entropy = t.again
		if b.Settings, err = core.NewSettings(c); err != nil {
			return nil, err
		}
	}
	if t.other, err = h.NewConn(b); err != nil {
		return nil, err
	}
	t.compare("birth", "", "", nil, nil)
	return t, nil
}

// again is the entropy of the one in WebAssembly: the words of the native core.
func (t *twin) again() uint32 {
	if len(t.words) == 0 {
		t.differ("a word of entropy was drawn that the native core did not draw")
		return 0
	}
	w := t.words[0]
	t.words = t.words[1:]
	return w
}

func (t *twin) differ(format string, args ...any) {
	if t.report != nil {
		t.report(fmt.Sprintf("call %d: ", t.calls) + fmt.Sprintf(format, args...))
		t.report = nil
	}
}

// compare compares the answers of a call, its output and the state after it.
func (t *twin) compare(call string, native, other any, nativeOut, otherOut []byte) {
	t.calls++
	if t.report == nil {
		return
	}
	if !reflect.DeepEqual(native, other) {
		t.differ("%s: native answered %+v, WebAssembly %+v", call, native, other)
	}
	if !bytes.Equal(nativeOut, otherOut) {
		t.differ("%s: native put out %q, WebAssembly %q", call, nativeOut, otherOut)
	}
	if len(t.words) > 0 {
		t.differ("%s: %d words of entropy were not drawn", call, len(t.words))
	}
	if n, o := seen(t.Conn), seen(t.other); !reflect.DeepEqual(n, o) {
		t.differ("%s: native is then %+v, WebAssembly %+v", call, n, o)
	}
	if n, o := t.Conn.AppendState(nil), t.other.AppendState(nil); !bytes.Equal(n, o) {
		t.differ("%s: the native state is\n%sWebAssembly's\n%s", call, n, o)
	}
	if t.calls%16 == 0 && !bytes.Equal(t.Conn.AppendSnapshot(nil), t.other.AppendSnapshot(nil)) {
		t.differ("%s: the snapshots differ", call)
	}
}

type sight struct {
	at       clock.Time
	why      core.Timer
	pending  int
	level    core.Transport
	open     bool
	err      error
	request  *core.Request
	response *core.Response
	chosen   string
	agreed   deflate.Params // zero if nothing is compressed
}

func seen(m transport.Machine) (s sight) {
	s.at, s.why = m.Deadline()
	s.pending, s.level, s.open, s.err = m.Pending(), m.Transport(), m.Open(), m.Err()
	s.request, s.response, s.chosen = rebuilt(m.Request()), m.Response(), m.Subprotocol()
	s.agreed, _ = m.(transport.Compressor).Compression()
	return s
}

// rebuilt returns r as if built by hand: no text crosses the boundary.
func rebuilt(r *core.Request) *core.Request {
	if r == nil {
		return nil
	}
	return &core.Request{Method: r.Method, Target: r.Target, Proto: r.Proto, Fields: r.Fields}
}

type received struct {
	n  int
	ev core.Event
}

func (t *twin) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	in2, scratch2 := bytes.Clone(in), bytes.Clone(scratch)
	n, ev := t.Conn.Recv(now, in, scratch)
	n2, ev2 := t.other.Recv(now, in2, scratch2)
	t.compare(fmt.Sprintf("Recv of %d bytes at %d", len(in), now), received{n, clean(ev)}, received{n2, clean(ev2)}, nil, nil)
	return n, ev
}

// clean makes no difference between nil and empty data.
func clean(ev core.Event) core.Event {
	ev.Data = append([]byte{}, ev.Data...)
	return ev
}

func (t *twin) event(call string, now clock.Time, f func(transport.Machine) core.Event) core.Event {
	ev, ev2 := f(t.Conn), f(t.other)
	t.compare(fmt.Sprintf("%s at %d", call, now), clean(ev), clean(ev2), nil, nil)
	return ev
}

func (t *twin) RecvEOF(now clock.Time) core.Event {
	return t.event("RecvEOF", now, func(m transport.Machine) core.Event { return m.RecvEOF(now) })
}

func (t *twin) Lost(now clock.Time) core.Event {
	return t.event("Lost", now, func(m transport.Machine) core.Event { return m.Lost(now) })
}

func (t *twin) Tick(now clock.Time) core.Event {
	return t.event("Tick", now, func(m transport.Machine) core.Event { return m.Tick(now) })
}

func (t *twin) do(call string, f func(transport.Machine)) {
	f(t.Conn)
	f(t.other)
	t.compare(call, nil, nil, nil, nil)
}

func (t *twin) SetReading(now clock.Time, on bool) {
	t.do("SetReading", func(m transport.Machine) { m.SetReading(now, on) })
}

func (t *twin) SetReadAhead(now clock.Time, on bool) {
	t.do("SetReadAhead", func(m transport.Machine) { m.SetReadAhead(now, on) })
}

func (t *twin) Wrote(now clock.Time, n int) {
	t.do(fmt.Sprintf("Wrote(%d)", n), func(m transport.Machine) { m.Wrote(now, n) })
}

// append makes a call that appends output.
func (t *twin) append(call string, dst []byte, f func(m transport.Machine, dst []byte) ([]byte, error)) ([]byte, error) {
	at := len(dst)
	out, err := f(t.Conn, dst)
	out2, err2 := f(t.other, nil)
	t.compare(call, err, err2, out[at:], out2)
	return out, err
}

func (t *twin) AppendOutput(dst []byte) []byte {
	out, _ := t.append("AppendOutput", dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		return m.AppendOutput(dst), nil
	})
	return out
}

func (t *twin) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	return t.append(fmt.Sprintf("AppendMessage(%v, %d bytes)", op, len(p)), dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		return m.AppendMessage(dst, op, p)
	})
}

func (t *twin) AppendCompressed(dst []byte, op frame.Opcode, p, compressed []byte) ([]byte, error) {
	return t.append(fmt.Sprintf("AppendCompressed(%v, %d and %d bytes)", op, len(p), len(compressed)), dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		return m.(transport.Precompressor).AppendCompressed(dst, op, p, compressed)
	})
}

func (t *twin) AppendFragment(dst []byte, op frame.Opcode, p []byte, fin bool) ([]byte, error) {
	return t.append(fmt.Sprintf("AppendFragment(%v, %d bytes, %t)", op, len(p), fin), dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		return m.AppendFragment(dst, op, p, fin)
	})
}

func (t *twin) AppendHeader(dst []byte, op frame.Opcode, o core.HeaderOptions, n int) ([]byte, frame.Mask, error) {
	var masks []frame.Mask
	out, err := t.append(fmt.Sprintf("AppendHeader(%v, %d)", op, n), dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		out, mask, err := m.AppendHeader(dst, op, o, n)
		masks = append(masks, mask)
		return out, err
	})
	if masks[0] != masks[1] {
		t.differ("AppendHeader: the masks are %v and %v", masks[0], masks[1])
	}
	return out, masks[0], err
}

func (t *twin) AppendPing(dst, payload []byte) ([]byte, error) {
	return t.append("AppendPing", dst, func(m transport.Machine, dst []byte) ([]byte, error) { return m.AppendPing(dst, payload) })
}

func (t *twin) AppendPong(dst, payload []byte) ([]byte, error) {
	return t.append("AppendPong", dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		return m.(interface {
			AppendPong(dst, payload []byte) ([]byte, error)
		}).AppendPong(dst, payload)
	})
}

func (t *twin) AppendClose(now clock.Time, dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	return t.append(fmt.Sprintf("AppendClose(%d, %q)", code, reason), dst, func(m transport.Machine, dst []byte) ([]byte, error) {
		return m.AppendClose(now, dst, code, reason)
	})
}

func (t *twin) answer(call string, f func(transport.Machine) error) error {
	err, err2 := f(t.Conn), f(t.other)
	t.compare(call, err, err2, nil, nil)
	return err
}

func (t *twin) Accept(now clock.Time, o core.AcceptOptions) error {
	return t.answer("Accept", func(m transport.Machine) error { return m.Accept(now, o) })
}

func (t *twin) Reject(now clock.Time, o core.RejectOptions) error {
	return t.answer("Reject", func(m transport.Machine) error { return m.Reject(now, o) })
}

func (t *twin) Release() { t.other.Release() }

var _ transport.Machine = (*twin)(nil)
