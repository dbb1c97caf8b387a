package sim

import (
	"bytes"
	"fmt"

	"github.com/fb1e3c20/websockets/core/frame"
)

// describe puts one frame, or the head of a handshake, into words.
func describe(p []byte) string {
	if line, _, ok := bytes.Cut(p, []byte("\r\n")); ok && bytes.Contains(line, []byte("HTTP/1.1")) {
		return string(line)
	}
	h, n, err := frame.ParseHeader(p)
	if err != nil || n == 0 || h.Length > int64(len(p)-n) {
		return "bytes " + brief(p)
	}
	payload := bytes.Clone(p[n : n+int(h.Length)])
	if h.Masked {
		h.Mask.XOR(payload, 0)
	}
	return describeFrame(h, payload)
}

func describeFrame(h frame.Header, payload []byte) string {
	s := h.Opcode.String()
	switch {
	case h.Opcode == frame.Close:
		code, reason, err := frame.ParseClose(payload)
		switch {
		case err != nil:
			return fmt.Sprintf("%s with a payload that is malformed: %s", s, brief(payload))
		case code == frame.NoStatus:
			return s
		case len(reason) > 0:
			return fmt.Sprintf("%s %d %q", s, uint16(code), reason)
		}
		return fmt.Sprintf("%s %d", s, uint16(code))
	case !h.Fin:
		s += ", more to come"
	case h.Opcode == frame.Continuation:
		s += ", last"
	}
	if len(payload) > 0 || !h.Opcode.IsControl() {
		s += " " + brief(payload)
	}
	return s
}

// describe puts an event into words.
func (ev Event) describe() string {
	switch ev.Kind {
	case Message:
		return fmt.Sprintf("%s: %v %s", ev.Kind, ev.Op, brief(ev.Data))
	case Closed:
		if ev.Err != nil {
			return fmt.Sprintf("%s: %v", ev.Kind, ev.Err)
		}
		return fmt.Sprintf("%s: %d %q", ev.Kind, uint16(ev.Code), ev.Reason)
	case Pinged, Ponged:
		return fmt.Sprintf("%s %s", ev.Kind, brief(ev.Data))
	}
	return ev.Kind.String()
}
