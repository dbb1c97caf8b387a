package sim

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

func deadlineText(at clock.Time, why core.Timer) string {
	if why == core.TimerNone && at == clock.Latest {
		return "none"
	}
	return fmt.Sprintf("%s at %s", why, time.Duration(at))
}

// outcomeText names an event, with the error of a failure.
func outcomeText(k core.EventKind, e core.Error) string {
	switch k {
	case core.EventNone:
		return "nothing"
	case core.EventFailed:
		return "failed with " + errorText(e)
	}
	return k.String()
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
