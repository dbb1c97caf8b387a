package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets"
)

// An input is where the lines to send come from.
type input interface {
	// next returns the next line, and valid until the following call. The
	// last line may come with io.EOF.
	next() ([]byte, error)

	// close leaves the console as it was. It is called more than once.
	close()
}

// errInterrupted is the end of an input at which the user wants to go: the
// connection is closed by whom the interrupt was reported to.
var errInterrupted = errors.New("interrupted")

// errTold is a failure that the user knows of.
var errTold = errors.New("told")

// errUnfinished is the end of runs that an interrupt cut short, of which the
// user knows.
var errUnfinished = errors.New("interrupted")

// session is one connection at work.
type session struct {
	conn           *websockets.Conn
	input          input
	stdout, stderr io.Writer
	printer        printer
	typ            websockets.MessageType // of what is sent
	hex            bool                   // lines are hexadecimal
	stay           bool                   // the end of the input is not that of the connection
	verbose        bool                   // a summary at the end
	began          time.Time
	idle           chan struct{} // closed when no more lines are sent
	gone           sync.Once

	mu       sync.Mutex
	unsent   bool // a line was not sent, though the connection was open
	left     bool // a line was not sent, as the connection was not open
	sent     traffic
	received traffic
	trips    trips
}

// send sends the lines of the input and closes after the last. Whatever
// happens, the console is left as it was.
func (s *session) send() {
	defer close(s.idle)
	defer s.input.close()
	for number := 1; ; number++ {
		line, err := s.input.next()
		if (err == nil || len(line) > 0) && !s.sendLine(number, line) {
			return
		}
		if err == nil {
			continue
		}
		if err == errInterrupted {
			return
		}
		if err != io.EOF {
			s.failed("standard input: %v", err)
		} else if s.stay {
			return
		}
		s.conn.Close(websockets.NormalClosure, "")
		return
	}
}

// sendLine is false when the connection takes no more lines.
func (s *session) sendLine(number int, line []byte) bool {
	if s.hex {
		n, err := hex.Decode(line, line)
		if err != nil {
			s.failed("line %d was not sent: it is not hexadecimal: %v", number, err)
			return true
		}
		line = line[:n]
	}
	err := s.conn.Send(context.Background(), s.typ, line)
	if errors.Is(err, websockets.ErrMisuse) {
		s.failed("line %d was not sent: %v", number, err)
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.left = true
		return false
	}
	s.sent.add(len(line))
	return true
}

func (s *session) failed(format string, args ...any) {
	note(s.stderr, format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsent = true
}

// ping measures the round trip time until the connection has ended.
func (s *session) ping(every time.Duration) {
	defer s.input.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	late := max(every, time.Second)
	for {
		missing := time.AfterFunc(late, func() { note(s.stderr, "no pong for %v", late) })
		rtt, err := s.conn.Ping(context.Background())
		missing.Stop()
		if err != nil {
			return
		}
		note(s.stderr, "round trip %v", rtt.Round(time.Microsecond))
		s.mu.Lock()
		s.trips.add(rtt)
		s.mu.Unlock()
		select {
		case <-tick.C:
		case <-s.conn.Done():
			return
		}
	}
}

// receive prints messages until the connection has ended, and tells how that
// was.
func (s *session) receive() error {
	err := s.print()
	if e, ok := errors.AsType[*websockets.Error](err); ok {
		err = s.ended(e)
	}
	if s.verbose {
		note(s.stderr, "%s", s.summary())
	}
	return err
}

func (s *session) print() error {
	var buf []byte
	for noted := false; ; {
		typ, p, err := s.conn.ReceiveInto(context.Background(), buf[:0])
		if err != nil {
			return err
		}
		buf = p
		if typ == websockets.Binary && !s.printer.raw && !noted {
			noted = true
			note(s.stderr, "binary messages are printed in hexadecimal")
		}
		s.mu.Lock()
		s.received.add(len(p))
		s.mu.Unlock()
		_, err = s.stdout.Write(s.printer.line(typ, p))
		if errors.Is(err, errNoReader) {
			s.readerGone()
			return s.conn.Err()
		}
		if err != nil {
			s.giveUp()
			return fmt.Errorf("standard output: %w", err)
		}
	}
}

// readerGone closes as an interrupt does: that whoever read the messages has
// enough, as head has, is no failure.
func (s *session) readerGone() {
	s.gone.Do(func() {
		note(s.stderr, "nobody reads standard output any more")
		s.giveUp()
	})
}

// giveUp closes because messages cannot be printed.
func (s *session) giveUp() {
	s.conn.Discard()
	s.conn.Close(websockets.GoingAway, "")
}

// ended tells how the connection ended; nil means well.
func (s *session) ended(e *websockets.Error) error {
	if e.Code == websockets.Abnormal {
		return e
	}
	how := e.Code.String()
	if e.Reason != "" {
		how += fmt.Sprintf(", %q", e.Reason)
	}
	if e.Kind != websockets.ErrClosed {
		return fmt.Errorf("%w: the connection was closed with %s", e, how)
	}
	who := "closed"
	if e.Remote {
		who = "closed by the server"
	}
	note(s.stderr, "%s: %s", who, how)
	left := e.Remote && s.inputLeft()
	if left {
		note(s.stderr, "standard input was not sent to its end")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsent || left {
		return errTold
	}
	return nil
}

// moment is how long an input may take to show that there is more.
const moment = 100 * time.Millisecond

// inputLeft reports, after the connection has ended, whether there was more to
// send.
func (s *session) inputLeft() bool {
	select {
	case <-s.idle:
	case <-time.After(moment):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

func (s *session) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("sent %v; received %v; %v", s.sent, s.received, time.Since(s.began).Round(time.Millisecond))
	if s.trips.count > 0 {
		text += fmt.Sprintf("; round trip %v", s.trips)
	}
	return text
}

// traffic counts messages of one direction.
type traffic struct {
	messages int
	bytes    int64
}

func (t *traffic) add(n int) {
	t.messages++
	t.bytes += int64(n)
}

func (t traffic) String() string {
	return plural(t.messages, "message") + ", " + plural(int(t.bytes), "byte")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// trips are round trip times.
type trips struct {
	count            int
	least, most, sum time.Duration
}

func (t *trips) add(rtt time.Duration) {
	if t.count == 0 || rtt < t.least {
		t.least = rtt
	}
	t.most = max(t.most, rtt)
	t.sum += rtt
	t.count++
}

func (t trips) String() string {
	const unit = time.Microsecond
	mean := t.sum / time.Duration(t.count)
	return fmt.Sprintf("%v least, %v mean, %v most of %s", t.least.Round(unit), mean.Round(unit), t.most.Round(unit), plural(t.count, "ping"))
}
