package core

import "time"

// Limits that no configuration exceeds.
const (
	// MaxSize is the largest MaxFrameSize and MaxMessageSize: 1 GiB.
	MaxSize = 1 << 30
)

// DefaultHandshakeTimeout bounds the opening handshake where
// [Config.HandshakeTimeout] is zero.
const DefaultHandshakeTimeout = 10 * time.Second

// Config holds the parameters of a connection. The zero Config is complete:
// each field documents what zero means. Negative durations and counts switch
// a timer or a limit off, where off is possible.
type Config struct {
	// PingInterval is the time between pings while the connection is open
	// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2). Default 15 s;
	// negative: no pings. A tick that comes late moves no later ping, unless
	// that is overdue as well: then the next one is an interval after the tick.
	PingInterval time.Duration

	// PongTimeout is how long after a ping was written some byte, a pong or
	// any other, must arrive. Default: no such limit, ConnectionTimeout
	// judges alone. A ping that cannot be written, behind output that the peer
	// does not take, never begins it; nor does one that is handed out while
	// an earlier one waits to be written.
	PongTimeout time.Duration

	// CloseTimeout bounds the closing handshake: from the first close frame,
	// ours or the peer's, to the end of the peer's output
	// (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1). Default 5 s;
	// negative: wait for the peer's close for ever, or until ConnectionTimeout
	// cuts a peer that is silent. Where the peer has closed too, the
	// connection has failed, or the input has ended behind a close that is
	// held, only the end of the stream is waited for then: 5 s.
	CloseTimeout time.Duration

	// ConnectionTimeout is the longest time without a byte of any kind from
	// the peer, and the longest time in which the peer takes none of the
	// output that waits. Default 58 s; negative: never.
	ConnectionTimeout time.Duration

	// HandshakeTimeout bounds the opening handshake. Default 10 s;
	// negative: never.
	HandshakeTimeout time.Duration

	// MaxFrameSize is the largest payload of a frame, in bytes, that is
	// accepted. Default: MaxMessageSize, at least 1 MiB; negative: 1 GiB,
	// which is also the most that can be set. A larger frame is refused from
	// its header, with 1009.
	MaxFrameSize int64

	// MaxMessageSize is the largest message that is accepted, in bytes, all
	// its fragments together, and decompressed: on the wire a compressed one and its
	// frames may be a sixteenth and 64 bytes longer. Default 1 MiB; negative: 1 GiB, which is also
	// the most that can be set.
	MaxMessageSize int64

	// MaxFragments is the largest number of frames that one message may be
	// spread over. Default 65,536; negative: no limit.
	MaxFragments int

	// MaxControlRate is how many control frames a second are accepted, a
	// second's worth at once. Default 10,000; negative: no limit.
	MaxControlRate int

	// MaxHeadBytes and MaxHeadLines bound the HTTP head of the peer's
	// handshake, interim responses (1xx) included. Defaults 32 KiB and 128
	// lines; at most 1 MiB and 1,024.
	MaxHeadBytes int
	MaxHeadLines int

	// Compression switches permessage-deflate on. Default: off.
	Compression *Compression

	// Pings tells what to do with a ping that comes in. The default is the
	// role's: a server drops pings, a client answers them.
	Pings PingPolicy

	// Entropy returns 32 unpredictable bits: mask keys of a client and the key
	// of its handshake are made of them
	// (https://www.rfc-editor.org/rfc/rfc6455#section-10.3). A client needs it;
	// a server never calls it. A mask key is one draw, least significant byte
	// first; the handshake's key is four, most significant byte first.
	Entropy func() uint32
}

// PingPolicy tells what a connection does with a ping of the peer.
type PingPolicy uint8

const (
	PingDefault PingPolicy = iota // a server drops, a client answers
	PingAnswer                    // answer with a pong, as RFC 6455 section 5.5.3 wants
	PingDrop                      // report, but do not answer
)

// ConfigError tells which field of a Config is out of range.
type ConfigError struct {
	Field  string // the field's name
	Reason string // what is wrong and what is possible
}

func (e *ConfigError) Error() string {
	return "websocket: " + e.Field + " " + e.Reason
}

// Settings is a validated Config with its defaults filled in. It is immutable
// and may be shared by any number of connections.
type Settings struct {
	ping, pong, close, conn, handshake time.Duration // 0: off
	maxFrame, maxMessage               uint32
	maxFragments                       uint32
	controlCost                        time.Duration // budget that one control frame takes; 0: no limit
	maxHeadBytes, maxHeadLines         int
	pings                              PingPolicy
	compression                        *compression
	entropy                            func() uint32
}

// NewSettings validates c. The error is a *[ConfigError].
func NewSettings(c Config) (*Settings, error) {
	s := &Settings{
		ping:         durationOr(c.PingInterval, 15*time.Second),
		pong:         durationOr(c.PongTimeout, 0),
		close:        durationOr(c.CloseTimeout, 5*time.Second),
		conn:         durationOr(c.ConnectionTimeout, 58*time.Second),
		handshake:    durationOr(c.HandshakeTimeout, DefaultHandshakeTimeout),
		maxFragments: uint32(min(countOr(c.MaxFragments, 65536), 1<<30)),
		maxHeadBytes: countOr(c.MaxHeadBytes, 32<<10),
		maxHeadLines: countOr(c.MaxHeadLines, 128),
		pings:        c.Pings,
		entropy:      c.Entropy,
	}
	if rate := countOr(c.MaxControlRate, 10000); rate > 0 {
		s.controlCost = time.Second / time.Duration(min(rate, int(time.Second)))
	}
	var err error
	if s.compression, err = newCompression(c.Compression); err != nil {
		return nil, err
	}
	if s.maxMessage, err = size("MaxMessageSize", c.MaxMessageSize); err != nil {
		return nil, err
	}
	if s.maxFrame, err = size("MaxFrameSize", c.MaxFrameSize); err != nil {
		return nil, err
	}
	if c.MaxFrameSize == 0 {
		s.maxFrame = max(s.maxFrame, s.maxMessage)
	}
	if s.maxHeadBytes == 0 || s.maxHeadBytes > 1<<20 {
		return nil, &ConfigError{"MaxHeadBytes", "must be from 1 byte to 1 MiB"}
	}
	if s.maxHeadLines == 0 || s.maxHeadLines > 1024 {
		return nil, &ConfigError{"MaxHeadLines", "must be from 1 to 1,024"}
	}
	if c.Pings > PingDrop {
		return nil, &ConfigError{"Pings", "is not a PingPolicy"}
	}
	if s.ping > 0 && s.conn > 0 && s.conn <= s.ping {
		return nil, &ConfigError{"ConnectionTimeout", "must be longer than PingInterval, or a quiet peer is cut before it is asked"}
	}
	return s, nil
}

// Config returns a Config of which NewSettings makes Settings like s: without
// zeros, negative where a timer or a limit is off.
func (s *Settings) Config() Config {
	rate := -1
	if s.controlCost > 0 {
		rate = int(time.Second / s.controlCost)
	}
	return Config{
		PingInterval:      orOff(s.ping),
		PongTimeout:       orOff(s.pong),
		CloseTimeout:      orOff(s.close),
		ConnectionTimeout: orOff(s.conn),
		HandshakeTimeout:  orOff(s.handshake),
		MaxFrameSize:      int64(s.maxFrame),
		MaxMessageSize:    int64(s.maxMessage),
		MaxFragments:      int(orOff(int64(s.maxFragments))),
		MaxControlRate:    rate,
		MaxHeadBytes:      s.maxHeadBytes,
		MaxHeadLines:      s.maxHeadLines,
		Compression:       s.compression.config(),
		Pings:             s.pings,
		Entropy:           s.entropy,
	}
}

// orOff returns -1, which is off, for zero.
func orOff[T ~int64](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// durationOr returns the default for zero and zero, which is off, for a
// negative d.
func durationOr(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return max(d, 0)
}

func countOr(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return max(n, 0)
}

func size(field string, n int64) (uint32, error) {
	switch {
	case n == 0:
		return 1 << 20, nil
	case n < 0:
		return MaxSize, nil
	case n > MaxSize:
		return 0, &ConfigError{field, "must be at most 1 GiB (1,073,741,824 bytes)"}
	}
	return uint32(n), nil
}
