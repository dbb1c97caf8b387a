package flight

import "log/slog"

// A report is what OnFile is called with.
type report struct {
	path string
	err  error
}

// report reports now or, while another goroutine does or this one is called by
// OnFile, lets that do it afterwards.
func (r *Recorder) report(path string, err error) {
	r.mu.Lock()
	r.reports = append(r.reports, report{path, err})
	busy := r.reporting
	r.reporting = true
	r.mu.Unlock()
	for !busy {
		next, some := r.nextReport()
		if !some {
			return
		}
		r.tell(next)
	}
}

func (r *Recorder) nextReport() (next report, some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reports) == 0 {
		r.reports, r.reporting = nil, false
		return next, false
	}
	next, r.reports = r.reports[0], r.reports[1:]
	return next, true
}

func (r *Recorder) tell(t report) {
	defer r.recover()
	switch {
	case r.OnFile != nil:
		r.OnFile(t.path, t.err)
	case t.err != nil:
		r.log().Error("websocket: " + t.err.Error())
	default:
		r.log().Info("websocket: a connection was recorded", "file", t.path)
	}
}

func (r *Recorder) log() *slog.Logger {
	if r.Logger != nil {
		return r.Logger
	}
	return slog.Default()
}
