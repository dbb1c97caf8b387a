package sim

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// simulator is what the names of this package's functions begin with.
const simulator = "github.com/fb1e3c20/websockets/sim."

// panicked makes an error of a panic, in the function that recovered it and that
// was deferred in this package. It names the functions of the program under
// test, with no address and no path: it is the same in every run.
func panicked(v any) error {
	text, ok := v.(string)
	if !ok {
		text = valueText(v)
	}
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	var b strings.Builder
	for inside := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			inside = true
			b.Reset()
		case f.Function == simulator+"(*World).build" || f.Function == simulator+"(*World).step":
			more = false
		case inside && !strings.HasPrefix(f.Function, "runtime.") && !isSimulator(f):
			fmt.Fprintf(&b, "\n  %s %s:%d", path.Base(f.Function), path.Base(f.File), f.Line)
		}
		if !more {
			return fmt.Errorf("panic: %s%s", text, b.String())
		}
	}
}

// isSimulator reports whether the frame is of this package; its tests are not.
func isSimulator(f runtime.Frame) bool {
	return strings.HasPrefix(f.Function, simulator) && !strings.HasSuffix(f.File, "_test.go")
}
