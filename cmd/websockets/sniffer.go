package main

import (
	"bytes"

	"github.com/fb1e3c20/websockets/core/frame"
)

const (
	previewSize = 1024     // bytes of a payload that are shown
	maxHead     = 32 << 10 // bytes of a handshake that are looked at
)

var endOfHead = []byte("\r\n\r\n")

// A sniffer follows one direction of a connection from its first byte, passively:
// the head of the handshake, then frames. While nobody watches it only parses
// the headers of frames, so as to know where the next one begins.
type sniffer struct {
	direction string
	watched   func() bool
	emit      func(event)

	head    []byte // of the handshake, as long as it has not ended
	framing bool   // the handshake has ended
	lost    bool   // what follows is not frames

	header   [frame.MaxHeaderLen]byte // the first bytes of one
	have     int                      // in header
	current  frame.Header
	pos      int64 // in the payload of current
	inFrame  bool
	previews bool // somebody watched when current began
}

// feed looks at the next bytes. It neither keeps nor changes p.
func (s *sniffer) feed(p []byte) {
	for len(p) > 0 && !s.lost {
		switch {
		case !s.framing:
			p = s.handshake(p)
		case !s.inFrame:
			p = s.frame(p)
		default:
			p = s.payload(p)
		}
	}
}

// handshake collects the head and returns what follows it.
func (s *sniffer) handshake(p []byte) []byte {
	before := len(s.head)
	s.head = append(s.head, p...)
	i := bytes.Index(s.head, endOfHead)
	if i < 0 {
		s.lost = len(s.head) > maxHead
		return nil
	}
	end := i + len(endOfHead)
	head := s.head[:end]
	s.head = nil
	s.framing = true
	s.lost = bytes.HasPrefix(head, []byte("HTTP/")) && !bytes.HasPrefix(head, []byte("HTTP/1.1 101 "))
	s.emit(event{Kind: "head", Direction: s.direction, Head: string(head)})
	return p[end-before:]
}

// frame reads the header of a frame, and shows the frame with what there is of
// its payload.
func (s *sniffer) frame(p []byte) []byte {
	var n int
	var err error
	if s.have == 0 {
		n, err = s.current.Parse(p)
	}
	if n == 0 && err == nil {
		was := s.have
		s.have += copy(s.header[was:], p)
		if n, err = s.current.Parse(s.header[:s.have]); n == 0 && err == nil {
			return nil
		}
		n -= was
	}
	if err != nil {
		s.lost = true
		s.emit(event{Kind: "broken", Direction: s.direction, Text: err.Error()})
		return nil
	}
	s.have, s.pos = 0, 0
	p = p[n:]
	s.inFrame = s.current.Length > 0
	if s.previews = s.watched(); s.previews {
		s.emit(s.frameEvent(s.preview(p)))
	}
	if !s.inFrame {
		return p
	}
	return s.skip(p)
}

// payload passes over a payload, and shows more of it if there was too little.
func (s *sniffer) payload(p []byte) []byte {
	if s.previews && s.pos < previewSize {
		s.emit(event{Kind: "more", Direction: s.direction, Data: s.preview(p)})
	}
	return s.skip(p)
}

func (s *sniffer) skip(p []byte) []byte {
	n := min(int64(len(p)), s.current.Length-s.pos)
	s.pos += n
	s.inFrame = s.pos < s.current.Length
	return p[n:]
}

// preview returns the part of the payload at the beginning of p that is shown,
// without its mask.
func (s *sniffer) preview(p []byte) []byte {
	n := min(int64(len(p)), min(s.current.Length, previewSize)-s.pos)
	data := make([]byte, n)
	s.current.Mask.Copy(data, p[:n], int(s.pos))
	return data
}

func (s *sniffer) frameEvent(data []byte) event {
	h := &s.current
	e := event{
		Kind:      "frame",
		Direction: s.direction,
		Opcode:    uint8(h.Opcode),
		Fin:       h.Fin,
		Masked:    h.Masked,
		Length:    h.Length,
		Data:      data,
	}
	for i, rsv := range []bool{h.RSV3, h.RSV2, h.RSV1} {
		if rsv {
			e.Reserved |= 1 << i
		}
	}
	return e
}
