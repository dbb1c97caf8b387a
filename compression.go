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
// on the wire a message may be a sixteenth and 64 bytes longer. From the first to the
// last byte of a compressed message a connection takes 8 KiB more, and its window if
// that is not kept between messages; a peer that sends slowly decides for how long. One
// or two megabytes are borrowed from a pool for each call that sends, by as many calls
// as run at a time.
//
// What is agreed on is the least of what both sides want: a browser that cannot limit
// its window (Firefox) is asked to send without context takeover, unless
// ReceiveWindowBits is 15; Chromium can.
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

	// Level is from 1, fast, to 9, small. Default 1. It means what it says for a
	// window of 15 bits. For smaller ones 6 to 9 are as 5, and for messages of more
	// than half a window behind others so are 1 to 4.
	Level int

	// Threshold is the length in bytes from which on a message is compressed, unless
	// it is sent by a Writer, which compresses all. Default 64; negative: all are.
	// Without context takeover a message of less than 32 KiB that becomes no shorter
	// is sent as it is; with it, it is sent a few bytes longer.
	Threshold int

	// Choose, if it is given, says of each message from the Threshold on whether it is
	// compressed: images mostly become no shorter, for example, and secrets had better
	// not be. It is called by the goroutine that sends, for prepared messages too, and
	// may be by many at a time; it must not keep or change p. A Writer does not ask
	// it, and compresses all. See also [Conn.SendUncompressed].
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

// compressionPool is shared by all connections: it holds plain memory.
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
