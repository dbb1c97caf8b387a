package sim

import (
	"encoding/base64"
	"encoding/binary"
)

// An entropyLog lets a witness see what its machine draws: its draw goes into
// the core.Config of that machine alone.
type entropyLog struct {
	source func() uint32
	drawn  []uint32 // and not yet found in the output; a call needs fewer than it holds
}

func newEntropyLog(source func() uint32) *entropyLog {
	return &entropyLog{source: source, drawn: make([]uint32, 0, 8)}
}

// draw is a core.Config.Entropy.
func (l *entropyLog) draw() uint32 {
	u := l.source()
	if len(l.drawn) < cap(l.drawn) {
		l.drawn = append(l.drawn, u)
	}
	return u
}

// take returns the mask key that the oldest draw makes. ok is false when there
// is none.
func (l *entropyLog) take() (key [4]byte, ok bool) {
	if len(l.drawn) == 0 {
		return key, false
	}
	binary.LittleEndian.PutUint32(key[:], l.drawn[0])
	l.drawn = l.drawn[:copy(l.drawn, l.drawn[1:])]
	return key, true
}

// left returns how many draws were not taken.
func (l *entropyLog) left() int {
	if l == nil {
		return 0
	}
	return len(l.drawn)
}

// handshakeKey returns the Sec-WebSocket-Key that the first four draws make
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1), "" if they were not
// seen.
func (l *entropyLog) handshakeKey() string {
	if l.left() != 4 {
		return ""
	}
	var nonce [16]byte
	for i := range 4 {
		binary.BigEndian.PutUint32(nonce[4*i:], l.drawn[i])
	}
	l.drawn = l.drawn[:0]
	return base64.StdEncoding.EncodeToString(nonce[:])
}
