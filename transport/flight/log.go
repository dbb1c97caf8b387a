package flight

// Bounds of what is kept, in bytes.
const (
	// DefaultLimit is the Limit of [Options] where that is 0: 256 KiB.
	DefaultLimit = 256 << 10
	// MinLimit is the least Limit: 16 KiB.
	MinLimit = 16 << 10
)

// A log keeps the last records: two halves, each of which begins with what is
// needed to replay from there. When the newer one is full the older is dropped.
// The first begins with the birth, every other with a checkpoint.
type log struct {
	limit   int
	old, b  []byte
	saved   int // of b: the checkpoint at its beginning
	ctx     prior
	dropped bool // the birth is
}

// most is how much data of one call is kept.
func (l *log) most() int { return l.limit / 8 }

// full leaves the checkpoint out, which may be large in a handshake: the state is
// not saved again before there is something to drop.
func (l *log) full() bool { return len(l.b)-l.saved >= l.limit/2-l.limit/8 }

func (l *log) add(c *Call, d *digest, words []uint32) {
	l.b = appendRecord(l.b, c, d, words, &l.ctx)
}

// gap bridges a call that is not kept.
func (l *log) gap(c *Call) { l.add(c, nil, nil) }

// turn begins a new half, with a checkpoint.
func (l *log) turn(c *Call) {
	l.dropped = l.dropped || len(l.old) > 0
	l.old, l.b = l.b, l.old[:0]
	l.add(c, nil, nil)
	l.saved = len(l.b)
}
