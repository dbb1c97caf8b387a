package flight

import (
	"cmp"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A Recorder records connections, in memory, and writes those that failed to
// files. One Recorder serves any number of servers and dialers; its methods may
// be called from any goroutine, its fields must not be changed once it is in
// use.
//
// Nothing is written while a connection lives, unless [Recorder.Dump] asks for
// it, and no connection waits for a disk: what cannot be written is given up and
// reported. The recordings of a process that dies are lost with it.
type Recorder struct {
	// Dir is the directory for the files, which is made when the first is
	// written, for its owner only. One that exists keeps its permissions: who
	// may write to it may remove recordings, or put others in their place.
	// Default: the present directory.
	Dir string

	// Limit is how many bytes are kept of each connection, about: the last
	// ones. Default [DefaultLimit], 256 KiB; less than [MinLimit] means that.
	Limit int

	// MaxConns is how many connections are recorded at a time; together with
	// Limit it bounds the memory. Those that come while so many are recorded
	// are not. Default 1,024; negative: no limit.
	MaxConns int

	// MaxFiles is how many files of recorders are left in Dir: before another
	// one is written the oldest are removed, of those that have a name as a
	// Recorder gives it: flight-, the time of writing (UTC), the role, the
	// process and a number. Whoever wants to keep a file moves or renames it. A
	// file that cannot be removed does not count. Default 256; negative: no
	// limit.
	//
	// Any peer can make its connections fail, and each file pushes an older one
	// out. So one file a second is written, after the first ten; what
	// comes faster is given up, and told of with the next file. Recorder.Dump
	// has no such limit.
	MaxFiles int

	// Redact replaces what may be private before it is kept: see the package's
	// documentation. It doubles the cost of recording.
	Redact bool

	// Keep decides, when a connection has ended, whether its recording is
	// written. It must not wait for the connection's server to shut down.
	// Default: [End.Failed].
	Keep func(End) bool

	// OnFile is told of each file that was written, or of the error why one
	// could not be, or not be removed, or how many were given up. Calls do not
	// overlap: what is to be told meanwhile is told afterwards, by the goroutine
	// that is in OnFile. It may call the Recorder. Default: both are logged.
	OnFile func(path string, err error)

	// Logger is what the default of OnFile logs to. Default: slog.Default().
	Logger *slog.Logger

	mu        sync.Mutex
	conns     int // that are recorded
	flights   map[*Flight]struct{}
	spent     time.Time // until when the files that were written use the rate up
	reports   []report  // that wait
	reporting bool

	waiting atomic.Int32 // recordings that wait to be written
	lost    atomic.Int32 // recordings that were given up since the last report

	writing sync.Mutex
	stuck   bool // a file could not be removed, which was reported
}

// An End is how a connection ended that was recorded.
type End struct {
	Role   core.Role
	Label  string          // the Birth's
	Opened bool            // the handshake was done
	Err    error           // why it failed, a core.Error or what the machine of Birth.Make says; nil if it did not
	Closed frame.CloseCode // of the peer's close frame, 0 without one
}

// Failed reports whether a connection that was open failed: by a violation, a
// timeout or the loss of its transport; or whether its peer closed it because of
// what we sent, with 1002, 1003, 1007 or 1009. Handshakes that fail are left
// out, as any scanner of ports causes them.
func (e End) Failed() bool {
	if !e.Opened {
		return false
	}
	switch e.Closed {
	case frame.ProtocolError, frame.UnsupportedData, frame.InvalidData, frame.MessageTooBig:
		return true
	}
	return e.Err != nil
}

// Record makes a machine as b says and records it. The [Flight] that it returns is
// nil if so many connections are recorded already that this one is not. Who
// drives the machine calls [Recorder.Finish] when the connection has ended.
func (r *Recorder) Record(b Birth) (*Flight, error) {
	if !r.reserve() {
		return nil, nil
	}
	var f *Flight
	defer func() { r.admit(f) }() // after a panic of Birth.Make too
	var err error
	f, err = Record(b, Options{Limit: r.Limit, Redact: r.Redact})
	return f, err
}

// admit counts f as recorded; nil is none, whose place is free again.
func (r *Recorder) admit(f *Flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f == nil {
		r.conns--
		return
	}
	if r.flights == nil {
		r.flights = make(map[*Flight]struct{})
	}
	r.flights[f] = struct{}{}
}

func (r *Recorder) reserve() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if most := orDefault(r.MaxConns, 1024); most >= 0 && r.conns >= most {
		return false
	}
	r.conns++
	return true
}

// forget reports whether f was being recorded.
func (r *Recorder) forget(f *Flight) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ours := r.flights[f]; !ours {
		return false
	}
	delete(r.flights, f)
	r.conns--
	return true
}

func orDefault(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return n
}

// Finish ends the recording of f and writes it, if it is to be kept, in a
// goroutine of its own. cause, if it is not nil, is called there for what else is
// known of how the connection ended. Finish does not block, and does nothing
// when it is called again. The recording's memory is free once it is written.
func (r *Recorder) Finish(f *Flight, cause func() error) {
	if !r.forget(f) {
		return
	}
	end := f.end()
	if r.Keep == nil && !end.Failed() {
		f.forget()
		return
	}
	if r.waiting.Add(1) > mostWaiting {
		r.waiting.Add(-1)
		r.lost.Add(1)
		f.forget()
		return
	}
	go func() {
		defer r.waiting.Add(-1)
		defer r.recover()
		defer f.forget()
		switch {
		case r.Keep != nil && !r.Keep(end):
		case !r.spend(time.Now()):
			r.lost.Add(1)
		default:
			r.write(f, textOf(cause))
		}
	}()
}

// The rate of files.
const (
	interval = time.Second
	burst    = 10
)

// spend reports whether the rate allows another file.
func (r *Recorder) spend(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if all := now.Add(-burst * interval); r.spent.Before(all) {
		r.spent = all
	}
	next := r.spent.Add(interval)
	if next.After(now) {
		return false
	}
	r.spent = next
	return true
}

// mostWaiting is how many recordings wait for the disk, or for Keep.
const mostWaiting = 64

func textOf(cause func() error) string {
	if cause != nil {
		if err := cause(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// recover keeps a panic of a function of the user's from ending the process.
func (r *Recorder) recover() {
	if v := recover(); v != nil {
		r.log().Error("websocket: a function of the flight.Recorder panicked", "panic", v, "stack", string(debug.Stack()))
	}
}

// end stops recording.
func (f *Flight) end() End {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	return End{f.birth.Role, f.birth.Label, f.framing, f.m.Err(), f.closed}
}

// forget frees the memory of a flight that has ended.
func (f *Flight) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = log{dropped: true}
	f.drawn, f.shadow, f.redactor = nil, nil, nil
}

// Dump writes the recordings of all connections that are up, so far, for whoever
// wonders what one of them waits for. It returns when they are written, with the
// first error; OnFile is told of each, later if it is busy. No more than MaxFiles
// of them are left, and as many older files are gone.
func (r *Recorder) Dump() error {
	r.mu.Lock()
	flights := make([]*Flight, 0, len(r.flights))
	for f := range r.flights {
		flights = append(flights, f)
	}
	r.mu.Unlock()
	slices.SortFunc(flights, func(a, b *Flight) int { return a.wall.Compare(b.wall) })
	var first error
	for _, f := range flights {
		first = cmp.Or(first, r.write(f, ""))
	}
	return first
}
