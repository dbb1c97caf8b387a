package websockets

import (
	"cmp"
	"context"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
)

// Compression is how messages are compressed, by the extension permessage-deflate
// (https://www.rfc-editor.org/rfc/rfc7692), if the peer agrees. The zero Compression
// keeps 4 KiB for each direction between messages. Options may share one.
//
// What a peer sends is decompressed as it comes, and given up at the MaxMessageSize;
// on the wire a message may be a sixteenth and 64 bytes longer. Beside what a
// connection keeps, 40 KiB are borrowed from a pool while a message is received, and one
// or two megabytes while one is sent.
//
// Do not compress what an attacker can mix with a secret, such as a token behind
// something that the attacker chose: the length of the result tells of the secret.
type Compression struct {
	// SendWindowBits is how far back what is sent may refer: 2 to that power, in
	// bytes; from 8 to 15. Default 12: 4 KiB. That much memory is kept between
	// messages, from the first message on that is compressed.
	SendWindowBits int

	// ReceiveWindowBits is how far back the peer is asked to refer at most.
	// Default 12. That much memory is kept between messages, from the first
	// compressed message on. A peer that cannot limit its window, as some browsers,
	// is asked not to refer to earlier messages if this is less than 15.
	ReceiveWindowBits int

	// NoSendTakeover and NoReceiveTakeover ask that a message refers to none before
	// it: no memory is kept between messages, and small messages are compressed less.
	NoSendTakeover    bool
	NoReceiveTakeover bool

	// Level is from 1, fast, to 9, small. Default 1. With a window of less than 15
	// bits, messages of more than half of it are compressed as by level 5, and all
	// are from level 5 on.
	Level int

	// Threshold is the length in bytes from which on a message is compressed, unless
	// it is sent by a Writer, which compresses all. Default 64; negative: all are.
	// Without context takeover a message that becomes no shorter is sent as it is.
	Threshold int

	// Choose, if it is given, says of each message from the Threshold on whether it is
	// compressed: images mostly become no shorter, for example, and secrets had better
	// not be. It is called by the goroutine that sends, and may be by many at a time;
	// it must not keep or change p. A Writer does not ask it. See also
	// [Conn.SendUncompressed].
	Choose func(typ MessageType, p []byte) bool
}

const defaultThreshold = 64 // as the core's

// wants reports whether a message is compressed, if the peer agreed.
func (c *Compression) wants(typ MessageType, p []byte) bool {
	return len(p) >= cmp.Or(c.Threshold, defaultThreshold) && (c.Choose == nil || c.Choose(typ, p))
}

// level returns the Level, never 0.
func (c *Compression) level() uint8 { return uint8(max(c.Level, compress.DefaultLevel)) }

// SendUncompressed sends p as [Conn.Send] does, but does not compress it: for a secret
// beside which an attacker may place text, or for what is compressed already.
func (c *Conn) SendUncompressed(ctx context.Context, typ MessageType, p []byte) error {
	if err := c.inTurn(ctx); err != nil {
		return err
	}
	return c.wrap(c.t.SendUncompressed(ctx, typ, p))
}

// pool is shared by all connections: it holds plain memory.
var compressionPool compress.Pool

// policy returns c for the core, nil for nil.
func (c *Compression) policy() *core.Compression {
	if c == nil {
		return nil
	}
	return &core.Compression{
		SendWindowBits:    c.SendWindowBits,
		ReceiveWindowBits: c.ReceiveWindowBits,
		NoSendTakeover:    c.NoSendTakeover,
		NoReceiveTakeover: c.NoReceiveTakeover,
		Level:             c.Level,
		Threshold:         c.Threshold,
		Lend:              &compressionPool,
	}
}
