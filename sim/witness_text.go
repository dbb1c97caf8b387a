package sim

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

var timerNames = [...]string{
	core.TimerNone:       "none",
	core.TimerHandshake:  "handshake",
	core.TimerPing:       "ping",
	core.TimerPong:       "pong",
	core.TimerConnection: "connection",
	core.TimerWrite:      "write",
	core.TimerClose:      "close",
}

func deadlineText(at clock.Time, why core.Timer) string {
	if why == core.TimerNone && at == clock.Latest {
		return "none"
	}
	return fmt.Sprintf("%s at %s", nameOf(timerNames[:], int(why)), time.Duration(at))
}

var levelNames = [...]string{
	core.TransportOpen:      "open",
	core.TransportHalfClose: "half-close",
	core.TransportClose:     "close",
	core.TransportAbort:     "abort",
}

func levelText(t core.Transport) string { return nameOf(levelNames[:], int(t)) }

var eventNames = [...]string{
	core.EventNone:    "no event",
	core.EventRequest: "request",
	core.EventOpen:    "open",
	core.EventMessage: "message",
	core.EventPing:    "ping",
	core.EventPong:    "pong",
	core.EventClose:   "close",
	core.EventFailed:  "failed",
}

func eventText(k core.EventKind) string { return nameOf(eventNames[:], int(k)) }

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown %d", i)
}

func errorText(e core.Error) string {
	if e == 0 {
		return "nil"
	}
	return fmt.Sprintf("%q", e.Reason())
}

// errorOf returns err as an error of the core, and an impossible one for any
// other.
func errorOf(err error) core.Error {
	if err == nil {
		return 0
	}
	e, ok := err.(core.Error)
	if !ok {
		return ^core.Error(0)
	}
	return e
}

// excerpt returns at most the first bytes of p, quoted.
func excerpt(p []byte) string {
	const most = 48
	if len(p) <= most {
		return fmt.Sprintf("%q", p)
	}
	return fmt.Sprintf("%q and %d bytes more", p[:most], len(p)-most)
}
