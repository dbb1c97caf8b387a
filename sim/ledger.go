package sim

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fb1e3c20/websockets/core/frame"
)

// A ledger is what an application did at its end of a connection: the truth
// that the other end is measured by.
type ledger struct {
	sent      []sentMessage // those up to next were delivered
	next      int
	delivered int // to the peer, ever
	spare     []byte
	begun     sentMessage
	isBegun   bool
	closed    bool
	code      frame.CloseCode // of the close frame that was sent
	cut       bool            // the connection was given up by its application
}

type sentMessage struct {
	op   frame.Opcode
	data []byte
}

func (l *ledger) send(op frame.Opcode, p []byte, fin bool) {
	if !l.isBegun {
		l.begun = sentMessage{op: op, data: l.spare}
		l.spare = nil
	}
	l.isBegun = !fin
	l.begun.data = append(l.begun.data, p...)
	if fin {
		l.sent = append(l.sent, l.begun)
		l.begun = sentMessage{}
	}
}

func (l *ledger) undelivered() int { return len(l.sent) - l.next }

// deliver checks that a message that arrived is the next one that was sent.
func (l *ledger) deliver(op frame.Opcode, p []byte) error {
	if l.undelivered() == 0 {
		return fmt.Errorf("a %v message of %d bytes arrived that was never sent", op, len(p))
	}
	m := &l.sent[l.next]
	if m.op != op || !bytes.Equal(m.data, p) {
		return fmt.Errorf("message %d arrived as %v %s, it was sent as %v %s", l.delivered, op, brief(p), m.op, brief(m.data))
	}
	l.spare = m.data[:0]
	m.data = nil
	l.delivered++
	if l.next++; l.next == len(l.sent) || l.next > 64 && l.next > len(l.sent)/2 {
		l.sent = l.sent[:copy(l.sent, l.sent[l.next:])]
		l.next = 0
	}
	return nil
}

// closedWith notes the close frame that went out.
func (l *ledger) closedWith(code frame.CloseCode) {
	l.closed = true
	l.code = code
}

// checkClose checks a close frame that arrived against what was sent.
func (l *ledger) checkClose(code frame.CloseCode) error {
	switch {
	case !l.closed:
		return errors.New("a close frame arrived that was never sent")
	case l.code != code:
		return fmt.Errorf("the close frame arrived with code %v, it was sent with %v", code, l.code)
	case l.undelivered() > 0:
		return fmt.Errorf("%d messages that were sent before the close frame never arrived", l.undelivered())
	}
	return nil
}

func brief(p []byte) string {
	const most = 32
	if len(p) > most {
		return fmt.Sprintf("%q… (%d bytes)", p[:most], len(p))
	}
	return fmt.Sprintf("%q", p)
}
