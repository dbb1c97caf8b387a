package quicconn

import (
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

// How long a connection may be without streams, where it is not a time.
const (
	Forever time.Duration = 0  // until Close
	Settle  time.Duration = -1 // until its last packets have arrived
)

// A Life closes a connection in order: when it has been without streams for long
// enough. Its methods may be called from any goroutine.
type Life struct {
	conn     *quicgo.Conn
	code     quicgo.ApplicationErrorCode
	patience time.Duration

	mu      sync.Mutex
	streams int         // that have not left
	closing bool        // there will be no more
	alone   *time.Timer // runs while there are none and that must end
	visits  int         // how many streams there were
}

// NewLife returns the life of c, to be closed with code. patience is how long it may
// be without streams, or [Forever] or [Settle].
func NewLife(c *quicgo.Conn, code quicgo.ApplicationErrorCode, patience time.Duration) *Life {
	l := &Life{conn: c, code: code, patience: patience}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest()
	return l
}

// Enter counts a stream. It returns false if there are to be no more.
func (l *Life) Enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return false
	}
	l.streams++
	l.visits++
	l.stopTimer()
	return true
}

// Leave counts a stream that has ended.
func (l *Life) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams--
	l.rest()
}

// Close lets no stream enter any more, and closes the connection when the last one
// has left and its end has arrived.
func (l *Life) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closing {
		l.closing = true
		l.rest()
	}
}

// rest sees to it that a connection without streams ends in time. The lock is
// held.
func (l *Life) rest() {
	l.stopTimer()
	wait := l.patience
	if l.closing || wait == Settle {
		wait = l.settling()
	}
	if l.streams > 0 || wait == Forever {
		return
	}
	visits := l.visits
	l.alone = time.AfterFunc(wait, func() { l.expire(visits) })
}

func (l *Life) stopTimer() {
	if l.alone != nil {
		l.alone.Stop()
	}
}

// expire closes the connection, unless the timer was stopped too late, because of
// one more visit.
func (l *Life) expire(visits int) {
	l.mu.Lock()
	over := l.visits == visits
	l.closing = l.closing || over
	l.mu.Unlock()
	if over {
		l.conn.CloseWithError(l.code, "")
	}
}

// settling returns how long the last packets may take to arrive: long enough for
// them to be lost and sent again twice.
func (l *Life) settling() time.Duration {
	const timeouts = 1 + 2 + 4
	return timeouts * ProbeTimeout(l.conn)
}

// ProbeTimeout returns after how long a packet without an answer is taken for lost
// (https://www.rfc-editor.org/rfc/rfc9002#section-6.2).
func ProbeTimeout(c *quicgo.Conn) time.Duration {
	const maxAckDelay = 25 * time.Millisecond
	s := c.ConnectionStats()
	return s.SmoothedRTT + 4*s.MeanDeviation + maxAckDelay
}
