package flight_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// begin records a connection that is open.
func begin(t *testing.T, r *flight.Recorder) *flight.Flight {
	t.Helper()
	f, err := r.Record(flight.Birth{Open: true, Settings: settings(t, core.Config{}), Label: "peer"})
	if err != nil || f == nil {
		t.Fatalf("%v, %v", f, err)
	}
	return f
}

func lose(f *flight.Flight) *flight.Flight {
	f.Lost(1)
	return f
}

func TestEndFailed(t *testing.T) {
	for _, test := range []struct {
		end  flight.End
		want bool
	}{
		{flight.End{Opened: true}, false},
		{flight.End{Opened: true, Closed: frame.NormalClosure}, false},
		{flight.End{Opened: true, Closed: frame.GoingAway}, false},
		{flight.End{Opened: true, Closed: frame.InternalError}, false},
		{flight.End{Opened: true, Closed: frame.ProtocolError}, true},
		{flight.End{Opened: true, Closed: frame.UnsupportedData}, true},
		{flight.End{Opened: true, Closed: frame.InvalidData}, true},
		{flight.End{Opened: true, Closed: frame.MessageTooBig}, true},
		{flight.End{Opened: true, Err: core.ErrLost}, true},
		{flight.End{Opened: true, Err: core.ErrPongTimeout}, true},
		{flight.End{Opened: true, Err: core.ErrInvalidUTF8}, true},
		{flight.End{Err: core.ErrHandshakeTimeout}, false},
		{flight.End{Err: core.ErrRejected}, false},
	} {
		if got := test.end.Failed(); got != test.want {
			t.Errorf("%+v: %v", test.end, got)
		}
	}
}

// What Keep is told.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ends []flight.End
		r := &flight.Recorder{Dir: t.TempDir(), Keep: func(e flight.End) bool {
			ends = append(ends, e)
			return false
		}}
		f := begin(t, r)
		f.Recv(1, []byte("\x88\x82\x00\x00\x00\x00\x03\xea"), make([]byte, core.ScratchSize))
		r.Finish(f, nil)
		r.Finish(f, nil) // once is enough
		synctest.Wait()
		if len(ends) != 1 || ends[0] != (flight.End{Label: "peer", Opened: true, Closed: frame.ProtocolError}) {
			t.Errorf("%+v", ends)
		}
		f.Lost(2) // it is not recorded any more
		if _, steps := replays(t, f); len(steps) != 0 {
			t.Errorf("%q", steps)
		}
		entries, _ := os.ReadDir(r.Dir)
		if len(entries) != 0 {
			t.Errorf("files %v", entries)
		}
	})
}

// The newest files stay, and files of others are let alone.
func TestMaxFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for it")
	synctest.Test(t, func(t *testing.T) {
		var paths []string
		r := &flight.Recorder{Dir: dir, MaxFiles: 3, OnFile: func(path string, err error) {
			if err != nil {
				t.Error(err)
			}
			paths = append(paths, path)
		}}
		os.MkdirAll(dir, 0o700)
		for _, other := range []string{"flight-incident.txt", "an incident.wsf"} {
			if err := os.WriteFile(filepath.Join(dir, other), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 7 {
			r.Finish(lose(begin(t, r)), func() error { return errors.New("why") })
			synctest.Wait()
			time.Sleep(time.Nanosecond)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 5 {
			t.Fatalf("%v, %v", entries, err)
		}
		if !slices.IsSorted(paths) || len(paths) != 7 {
			t.Errorf("names do not sort by time: %q", paths)
		}
		for _, path := range paths[4:] {
			if rec, err := flight.Open(path); err != nil || rec.Cause != "why" || rec.Label != "peer" {
				t.Errorf("%v, %+v", err, rec)
			}
		}
		unlimited := &flight.Recorder{Dir: dir, MaxFiles: -1, OnFile: func(string, error) {}}
		for range 5 {
			unlimited.Finish(lose(begin(t, unlimited)), nil)
			synctest.Wait()
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 10 {
			t.Errorf("%d files", len(entries))
		}
	})
}

// No more connections are recorded at a time than were asked for.
func TestMaxConns(t *testing.T) {
	r := &flight.Recorder{Dir: t.TempDir(), MaxConns: 2}
	a := begin(t, r)
	begin(t, r)
	b := flight.Birth{Open: true, Settings: settings(t, core.Config{})}
	if f, err := r.Record(b); f != nil || err != nil {
		t.Errorf("a third one is recorded: %v", err)
	}
	r.Finish(a, nil)
	begin(t, r)
	if _, err := (&flight.Recorder{}).Record(flight.Birth{Role: core.Client, Settings: b.Settings}); err == nil {
		t.Error("a machine that cannot be made is recorded")
	}
	free := &flight.Recorder{MaxConns: -1}
	for range 2000 {
		begin(t, free)
	}
}

// A machine that cannot be made takes no room.
func TestRefusedTakesNoRoom(t *testing.T) {
	r := &flight.Recorder{MaxConns: 1}
	broken := flight.Birth{Settings: settings(t, core.Config{}), Make: func(flight.Birth) (transport.Machine, error) { return nil, os.ErrInvalid }}
	for range 3 {
		if _, err := r.Record(broken); err != os.ErrInvalid {
			t.Errorf("%v", err)
		}
	}
	begin(t, r)
}

// When the disk does not keep up, recordings are given up, and that is said once.
func TestTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var errs []string
		written := 0
		hold := make(chan struct{})
		r := &flight.Recorder{Dir: t.TempDir(), OnFile: func(_ string, err error) {
			<-hold
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err.Error())
			} else {
				written++
			}
		}}
		for range 100 {
			r.Finish(lose(begin(t, r)), nil)
		}
		close(hold)
		synctest.Wait()
		if written != 64 || len(errs) != 1 || !strings.Contains(errs[0], "36 recordings were given up") {
			t.Errorf("%d written, %q", written, errs)
		}
	})
}

// Without OnFile it is logged; a panic of Keep ends nothing but the recording.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		r := &flight.Recorder{Dir: t.TempDir(), Logger: log}
		r.Finish(lose(begin(t, r)), nil)
		synctest.Wait()
		bad := &flight.Recorder{Dir: "\x00", Logger: log}
		bad.Finish(lose(begin(t, bad)), nil)
		synctest.Wait()
		panics := &flight.Recorder{Dir: t.TempDir(), Logger: log, Keep: func(flight.End) bool { panic("oh") }}
		panics.Finish(begin(t, panics), nil)
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "a connection was recorded") || !strings.Contains(lines[0], r.Dir) ||
			!strings.Contains(lines[1], "could not be written") || !strings.Contains(lines[2], "panicked") {
			t.Errorf("%s", out.String())
		}
	})
}
