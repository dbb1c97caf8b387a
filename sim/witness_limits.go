package sim

import (
	"time"

	"github.com/fb1e3c20/websockets/core"
)

// limits are the values of a core.Config with the defaults that it documents.
// A duration of 0 and a count of -1 are off.
type limits struct {
	ping, pong, close, silence, handshake time.Duration

	frameSize, messageSize int64
	fragments              int
	controlCost            time.Duration // what a control frame takes of the budget
	headBytes, headLines   int
	answersPings           bool
}

func limitsOf(cfg core.Config, role core.Role) limits {
	l := limits{
		ping:        orDefault(cfg.PingInterval, 15*time.Second),
		pong:        orDefault(cfg.PongTimeout, 0),
		close:       orDefault(cfg.CloseTimeout, 5*time.Second),
		silence:     orDefault(cfg.ConnectionTimeout, 58*time.Second),
		handshake:   orDefault(cfg.HandshakeTimeout, 10*time.Second),
		messageSize: sizeOrDefault(cfg.MaxMessageSize, 1<<20),
		fragments:   cfg.MaxFragments,
		headBytes:   cfg.MaxHeadBytes,
		headLines:   cfg.MaxHeadLines,
	}
	l.frameSize = sizeOrDefault(cfg.MaxFrameSize, max(l.messageSize, 1<<20))
	if cfg.MaxFragments == 0 {
		l.fragments = 65536
	}
	switch rate := cfg.MaxControlRate; {
	case rate == 0:
		l.controlCost = time.Second / 10000
	case rate > 0:
		l.controlCost = time.Second / time.Duration(min(rate, 1e9))
	}
	if l.headBytes == 0 {
		l.headBytes = 32 << 10
	}
	if l.headLines == 0 {
		l.headLines = 128
	}
	l.answersPings = cfg.Pings == core.PingAnswer || cfg.Pings == core.PingDefault && role == core.Client
	return l
}

func orDefault(d, byDefault time.Duration) time.Duration {
	switch {
	case d == 0:
		return byDefault
	case d < 0:
		return 0
	}
	return d
}

func sizeOrDefault(n, byDefault int64) int64 {
	switch {
	case n == 0:
		return byDefault
	case n < 0:
		return 1 << 30
	}
	return n
}
