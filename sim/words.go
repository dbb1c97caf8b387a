package sim

import (
	"bytes"
	"fmt"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// describe puts one frame, or the head of a handshake, into words.
func describe(p []byte) string { return describeSent(p, nil) }

// describeFrom is describe of what an end in the given role sends: it tells
// whether the frame is masked as it must not be, or unmasked.
func describeFrom(role core.Role, p []byte) string {
	return describeSent(p, func(h frame.Header) string {
		switch {
		case h.Masked && role == core.Server:
			return ", masked"
		case !h.Masked && role == core.Client:
			return ", unmasked"
		}
		return ""
	})
}

func describeSent(p []byte, masking func(frame.Header) string) string {
	if line, _, ok := bytes.Cut(p, []byte("\r\n")); ok && bytes.Contains(line, []byte("HTTP/1.1")) {
		return string(line) + describeExtensions(p)
	}
	h, n, err := frame.ParseHeader(p)
	switch {
	case err == frame.ErrLengthNotMinimal:
		return fmt.Sprintf("bytes %s: %v, its length not in the shortest form", brief(p), frame.Opcode(p[0]&0xF))
	case err == frame.ErrLengthTopBit:
		return fmt.Sprintf("bytes %s: %v, its length with the top bit set", brief(p), frame.Opcode(p[0]&0xF))
	case err != nil || n == 0:
		return "bytes " + brief(p)
	}
	flaws := describeRSV(h)
	if masking != nil {
		flaws += masking(h)
	}
	payload := bytes.Clone(p[n:])
	if h.Masked {
		h.Mask.XOR(payload, 0)
	}
	if h.Length <= int64(len(payload)) {
		return describeFlawed(h, payload[:h.Length], flaws)
	}
	if h.RSV1 || h.RSV2 || h.RSV3 || !h.Opcode.Valid() {
		return "bytes " + brief(p) // more likely the middle of a frame
	}
	s := fmt.Sprintf("%v%s, %d of its %d bytes", h.Opcode, flaws, len(payload), h.Length)
	if len(payload) > 0 {
		s += " " + brief(payload)
	}
	return s
}

// describeExtensions tells what a head says of extensions.
func describeExtensions(head []byte) string {
	if value := headField(head, extensionsField); value != "" {
		return ", " + value
	}
	return ""
}

func describeRSV(h frame.Header) string {
	s := ""
	for i, set := range [...]bool{h.RSV1, h.RSV2, h.RSV3} {
		if set {
			s += fmt.Sprintf(", rsv%d", i+1)
		}
	}
	return s
}

func describeFrame(h frame.Header, payload []byte) string {
	return describeFlawed(h, payload, describeRSV(h))
}

func describeFlawed(h frame.Header, payload []byte, flaws string) string {
	s := h.Opcode.String() + flaws
	switch {
	case h.Opcode.IsControl() && !h.Fin:
		s += ", FIN not set"
	case !h.Fin:
		s += ", more to come"
	case h.Opcode == frame.Continuation:
		s += ", last"
	}
	if h.Opcode == frame.Close {
		return s + describeClose(payload)
	}
	if len(payload) > 0 || !h.Opcode.IsControl() {
		s += " " + brief(payload)
	}
	return s
}

func describeClose(payload []byte) string {
	code, reason, err := frame.ParseClose(payload)
	switch {
	case err != nil:
		return " with a payload that is malformed: " + brief(payload)
	case code == frame.NoStatus:
		return ""
	case len(reason) > 0:
		return fmt.Sprintf(" %d %q", uint16(code), reason)
	}
	return fmt.Sprintf(" %d", uint16(code))
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

// frameLen returns how long the first frame of p is, or the head of a handshake.
func frameLen(p []byte) int {
	if bytes.HasPrefix(p, []byte("GET ")) || bytes.HasPrefix(p, []byte("HTTP/")) {
		if i := bytes.Index(p, []byte("\r\n\r\n")); i >= 0 {
			return i + 4
		}
		return len(p)
	}
	h, n, err := frame.ParseHeader(p)
	if err != nil || n == 0 || h.Length > int64(len(p)-n) {
		return len(p)
	}
	return n + int(h.Length)
}
