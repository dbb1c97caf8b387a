package flight_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// What comes faster than it can be looked at or written is given up and counted,
// and told with the next file.
func TestTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written, lost := 0, 0
		hold := make(chan struct{})
		r := &flight.Recorder{Dir: t.TempDir(), Keep: func(flight.End) bool { <-hold; return true }, OnFile: func(_ string, err error) {
			if err == nil {
				written++
				return
			}
			n := 0
			if _, err := fmt.Sscanf(err.Error(), "flight: %d recordings were given up", &n); err != nil {
				t.Error(err)
			}
			lost += n
		}}
		for range 100 {
			r.Finish(lose(begin(t, r)), nil)
		}
		close(hold)
		synctest.Wait()
		if written != 10 {
			t.Errorf("%d files at once", written)
		}
		time.Sleep(time.Second)
		r.Finish(lose(begin(t, r)), nil)
		synctest.Wait()
		if written != 11 || lost != 90 {
			t.Errorf("%d written, %d given up", written, lost)
		}
	})
}

// After a burst one file a second is written, however many connections fail;
// what was asked for is written all the same.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written := 0
		r := &flight.Recorder{Dir: t.TempDir(), OnFile: func(_ string, err error) {
			if err == nil {
				written++
			}
		}}
		for second, want := range []int{10, 11, 12, 13} {
			for range 20 {
				r.Finish(lose(begin(t, r)), nil)
				synctest.Wait()
			}
			if written != want {
				t.Errorf("after %d s: %d files, want %d", second, written, want)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		for range 20 {
			r.Finish(lose(begin(t, r)), nil)
			synctest.Wait()
			begin(t, r)
		}
		if written != 23 {
			t.Errorf("after a pause: %d files, want 23", written)
		}
		if err := r.Dump(); err != nil || written != 43 {
			t.Errorf("%v, %d files, want 43", err, written)
		}
	})
}

// A connection that lived for long and fails now is no old incident.
func TestNewestIncidentStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var paths []string
		r := &flight.Recorder{Dir: t.TempDir(), MaxFiles: 2, OnFile: func(path string, _ error) { paths = append(paths, path) }}
		long := begin(t, r)
		time.Sleep(time.Hour)
		for range 3 {
			r.Finish(lose(begin(t, r)), nil)
			synctest.Wait()
			time.Sleep(time.Second)
		}
		r.Finish(lose(long), nil)
		synctest.Wait()
		last := paths[len(paths)-1]
		time.Sleep(time.Second)
		r.Finish(lose(begin(t, r)), nil)
		synctest.Wait()
		rec, err := flight.Open(last)
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(rec.Start); age < time.Hour {
			t.Errorf("it began %v ago", age)
		}
		if len(filesIn(t, r.Dir)) != 2 {
			t.Errorf("%q", filesIn(t, r.Dir))
		}
	})
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Room is made of files that a Recorder wrote, and of nothing else.
func TestRoomOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01, midnight
		r := &flight.Recorder{Dir: t.TempDir(), MaxFiles: 1, OnFile: func(_ string, err error) {
			if err != nil {
				t.Error(err)
			}
		}}
		theirs := []string{
			"flight-19991231T000000.000000000Z-server-1-1.wsf.bak",
			"flight-19991231T000000.000000000Z-server-1-1.wsf.part.part",
			"flight-19991231T000000.000000000Z-server-1-x.wsf",
			"flight-19991231T000000Z-server-1-1.wsf",
			"flight-19991231T235000.000000000Z-client-1-2.wsf.part", // somebody may write it now
			"flight-incident.wsf", "flight-to-paris.wsf.part", "my-flight-19991231T000000.000000000Z-server-1-1.wsf",
		}
		ours := []string{
			"flight-19991231T000000.000000000Z-server-1-1.wsf",
			"flight-19991231T000000.000000000Z-client-123-45.wsf",
			"flight-19991231T225959.000000000Z-client-1-2.wsf.part",
		}
		for _, name := range append(ours, theirs...) {
			if err := os.WriteFile(filepath.Join(r.Dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		directory := "flight-19991231T000000.000000000Z-server-1-2.wsf"
		if err := os.Mkdir(filepath.Join(r.Dir, directory), 0o700); err != nil {
			t.Fatal(err)
		}
		r.Finish(lose(begin(t, r)), nil)
		synctest.Wait()
		left := filesIn(t, r.Dir)
		for _, name := range append(theirs, directory) {
			if !slices.Contains(left, name) {
				t.Errorf("%s is gone", name)
			}
		}
		if len(left) != len(theirs)+2 {
			t.Errorf("left: %q", left)
		}
	})
}

// A file that cannot be removed is told of once, and keeps no other from being
// written or removed.
func TestRoomThatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const kept = "flight-19991231T000000.000000000Z-server-1-1.wsf"
		before := flight.RemoveFilesBy(func(path string) error {
			if filepath.Base(path) == kept {
				return os.ErrPermission
			}
			return os.Remove(path)
		})
		defer func() { flight.RemoveFilesBy(before) }()
		var errs []error
		r := &flight.Recorder{Dir: t.TempDir(), MaxFiles: 2, OnFile: func(_ string, err error) {
			if err != nil {
				errs = append(errs, err)
			}
		}}
		if err := os.WriteFile(filepath.Join(r.Dir, kept), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			r.Finish(lose(begin(t, r)), nil)
			synctest.Wait()
			time.Sleep(time.Second)
		}
		if len(errs) != 1 || !errors.Is(errs[0], os.ErrPermission) {
			t.Errorf("%v", errs)
		}
		if left := filesIn(t, r.Dir); len(left) != 3 || left[0] != kept {
			t.Errorf("%q", left)
		}
	})
}

// OnFile may ask for the recordings of all the others; its calls do not overlap.
func TestDumpInOnFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &flight.Recorder{Dir: t.TempDir()}
		calls, within := 0, false
		r.OnFile = func(_ string, err error) {
			if within || err != nil {
				t.Errorf("within another call: %v; %v", within, err)
			}
			within = true
			if calls++; calls == 1 {
				if err := r.Dump(); err != nil {
					t.Error(err)
				}
			}
			within = false
		}
		begin(t, r)
		begin(t, r)
		for range 3 {
			r.Finish(lose(begin(t, r)), nil)
		}
		synctest.Wait()
		if calls != 5 {
			t.Errorf("%d calls", calls)
		}
	})
}

// A panic of OnFile ends neither the process nor the reports.
func TestOnFilePanics(t *testing.T) {
	calls := 0
	r := &flight.Recorder{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), OnFile: func(string, error) { calls++; panic("oh") }}
	begin(t, r)
	begin(t, r)
	if err := r.Dump(); err != nil || calls != 2 {
		t.Errorf("%v, %d calls", err, calls)
	}
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
