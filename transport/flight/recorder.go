package flight

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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
	// written. Default: the present directory.
	Dir string

	// Limit is how many bytes are kept of each connection, about: the last
	// ones. Default [DefaultLimit], 256 KiB; less than [MinLimit] means that.
	Limit int

	// MaxConns is how many connections are recorded at a time; together with
	// Limit it bounds the memory. Those that come while so many are recorded
	// are not. Default 1,024; negative: no limit.
	MaxConns int

	// MaxFiles is how many files of recorders are left in Dir: before another
	// one is written the oldest are removed. Default 256; negative: no limit.
	MaxFiles int

	// Redact replaces what may be private before it is kept: see the package's
	// documentation. It doubles the cost of recording.
	Redact bool

	// Keep decides, when a connection has ended, whether its recording is
	// written. It must not wait for the connection's server to shut down.
	// Default: [End.Failed].
	Keep func(End) bool

	// OnFile is told of each file that was written, or of the error why one
	// could not be. Calls do not overlap. Default: both are logged.
	OnFile func(path string, err error)

	// Logger is what the default of OnFile logs to. Default: slog.Default().
	Logger *slog.Logger

	mu      sync.Mutex
	conns   int // that are recorded
	flights map[*Flight]struct{}

	waiting atomic.Int32 // recordings that wait to be written
	lost    atomic.Int32 // recordings that were given up since the last report
	writing sync.Mutex
}

// An End is how a connection ended that was recorded.
type End struct {
	Role   core.Role
	Label  string          // the Birth's
	Opened bool            // the handshake was done
	Err    error           // why it failed, a core.Error; nil if it did not
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
	f, err := Record(b, Options{Limit: r.Limit, Redact: r.Redact})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.conns--
		return nil, err
	}
	if r.flights == nil {
		r.flights = make(map[*Flight]struct{})
	}
	r.flights[f] = struct{}{}
	return f, nil
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
		if r.Keep == nil || r.Keep(end) {
			r.write(f, textOf(cause))
		}
	}()
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
// first error; OnFile is told of each. No more than MaxFiles of them are left.
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

// Files are named by the time at which the connection began.
const (
	prefix = "flight-"
	suffix = ".wsf"
	layout = "20060102T150405.000000000Z"
)

// serial tells the files of a process apart.
var serial atomic.Int64

// write writes a file and reports it. A file is never seen in part.
func (r *Recorder) write(f *Flight, cause string) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	path, err := r.writeFile(f, cause)
	if err != nil {
		path, err = "", fmt.Errorf("flight: a recording could not be written: %w", err)
	}
	r.report(path, err)
	if n := r.lost.Swap(0); n > 0 {
		r.report("", fmt.Errorf("flight: %d recordings were given up: too many others waited to be written", n))
	}
	return err
}

func (r *Recorder) writeFile(f *Flight, cause string) (string, error) {
	dir := cmp.Or(r.Dir, ".")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := r.makeRoom(dir); err != nil {
		return "", err
	}
	role := f.birth.Role.String()
	name := fmt.Sprintf("%s%s-%s-%d-%d%s", prefix, f.wall.UTC().Format(layout), role, os.Getpid(), serial.Add(1), suffix)
	path := filepath.Join(dir, name)
	part := path + ".part"
	err := os.WriteFile(part, f.AppendRecording(nil, cause), 0o600)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
		return "", err
	}
	return path, nil
}

// makeRoom removes the oldest files, so that one more is not too many.
func (r *Recorder) makeRoom(dir string) error {
	most := orDefault(r.MaxFiles, 256)
	if most < 0 {
		return nil
	}
	entries, err := os.ReadDir(dir) // sorted by name, and so by time
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	for len(names) >= max(most, 1) {
		if err := os.Remove(filepath.Join(dir, names[0])); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		names = names[1:]
	}
	return nil
}

func (r *Recorder) report(path string, err error) {
	switch {
	case r.OnFile != nil:
		r.OnFile(path, err)
	case err != nil:
		r.log().Error("websocket: " + err.Error())
	default:
		r.log().Info("websocket: a connection was recorded", "file", path)
	}
}

func (r *Recorder) log() *slog.Logger {
	if r.Logger != nil {
		return r.Logger
	}
	return slog.Default()
}
