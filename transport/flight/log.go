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
	ctx     prior
	records int  // in b, behind its checkpoint
	dropped bool // the birth is
}

// most is how much data of one call is kept.
func (l *log) most() int { return l.limit / 8 }

func (l *log) full() bool { return len(l.b) >= l.limit/2-l.limit/8 }

func (l *log) add(c *Call, d *digest, words []uint32) {
	l.b = appendRecord(l.b, c, d, words, &l.ctx)
	l.records++
}

// turn begins a new half with a checkpoint.
func (l *log) turn(c *Call) {
	if l.records == 0 {
		l.b = l.b[:0] // nothing came since the last one
	} else {
		l.dropped = l.dropped || len(l.old) > 0
		l.old, l.b = l.b, l.old[:0]
	}
	l.records = 0
	l.b = appendRecord(l.b, c, nil, nil, &l.ctx)
}
