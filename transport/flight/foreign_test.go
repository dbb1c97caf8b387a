package flight_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A foreign machine is the core behind another boundary. It must be released
// once.
type foreign struct {
	transport.Machine
	core     *core.Conn
	released int
	failed   func()
	mute     bool // its state cannot be told
	spoil    bool // its state is told wrong
}

func (m *foreign) Release()           { m.released++ }
func (m *foreign) OnFailure(f func()) { m.failed = f }

func (m *foreign) AppendState(dst []byte) []byte { return m.core.AppendState(dst) }

func (m *foreign) AppendSnapshot(dst []byte) []byte {
	if m.mute {
		return dst
	}
	n := len(dst)
	dst = m.core.AppendSnapshot(dst)
	if m.spoil {
		dst[n+len(dst[n:])/2] ^= 1
	}
	return dst
}

// A country makes foreign machines.
type country struct {
	all      []*foreign
	restores bool // as Birth.State says
	spoil    bool
	mute     bool
}

func (c *country) machine(b flight.Birth) (transport.Machine, error) {
	b.Make = nil
	if !c.restores {
		b.State = nil
	}
	m, err := b.Machine()
	if err != nil {
		return nil, err
	}
	f := &foreign{Machine: m, core: m.(*core.Conn), spoil: c.spoil, mute: c.mute}
	c.all = append(c.all, f)
	return f, nil
}

// check checks that n machines were made, and each was released.
func (c *country) check(t *testing.T, n int) {
	t.Helper()
	if len(c.all) != n {
		t.Errorf("%d machines were made, want %d", len(c.all), n)
	}
	for i, m := range c.all {
		if m.released != 1 {
			t.Errorf("machine %d was released %d times", i, m.released)
		}
	}
}

// long records a long life, with a gap, of a machine that make makes. Nothing
// is left of its beginning if dropped is true.
func long(t *testing.T, make func(flight.Birth) (transport.Machine, error), dropped, redact bool) *flight.Recording {
	t.Helper()
	b := flight.Birth{Open: true, Role: core.Client, Settings: settings(t, core.Config{}), Make: make}
	f := record(t, b, flight.Options{Limit: flight.MinLimit, Redact: redact})
	say := func(n int) {
		for range n {
			f.AppendMessage(nil, frame.Text, []byte(strings.Repeat("hello", 20)))
		}
	}
	say(10)
	if dropped {
		say(300)
	}
	f.AppendMessage(nil, frame.Binary, []byte(strings.Repeat("x", 5000)))
	say(60) // so that a checkpoint follows
	f.Release()
	r, steps := replays(t, f)
	all := strings.Join(steps, "\n")
	if r.Stopped != "" || r.Dropped != dropped || !strings.Contains(all, "gap") || !strings.Contains(all, "checkpoint") {
		t.Errorf("%+v: %s", r, all)
	}
	return r
}

// A machine whose state can be told is recorded to its end, with checkpoints. The
// recording replays on the native core, and that of a native core on such a
// machine.
func TestForeignMachineWithCheckpoints(t *testing.T) {
	for _, dropped := range []bool{false, true} {
		for _, redact := range []bool{false, true} {
			var abroad country
			r := long(t, abroad.machine, dropped, redact)
			abroad.check(t, 1)
			for _, r := range []*flight.Recording{r, long(t, nil, dropped, redact)} {
				there := country{restores: true}
				var dumps int
				err := r.ReplayOn(there.machine, func(s *flight.Step) error {
					if strings.HasPrefix(s.Dump(), "role=1 ") {
						dumps++
					}
					return nil
				})
				if err != nil || dumps < r.Calls {
					t.Errorf("dropped %v, redacted %v: %v, %d dumps", dropped, redact, err, dumps)
				}
				there.check(t, 2) // another one goes on behind the gap
			}
		}
	}
}

// A machine that is not the one of a checkpoint is found out.
func TestForeignMachineAtCheckpoints(t *testing.T) {
	whole, rest := long(t, nil, false, false), long(t, nil, true, false)
	broken := errors.New("no room")
	for _, test := range []struct {
		name  string
		r     *flight.Recording
		there country
		want  string
		makes int
	}{
		{"cannot be restored behind a gap", whole, country{}, "a part is missing, and the machine cannot begin at a checkpoint", 2},
		{"cannot be restored", rest, country{}, "a part is missing, and the machine cannot begin at a checkpoint", 1},
		{"cannot be told to be restored", rest, country{restores: true, mute: true}, "give it a method AppendSnapshot", 1},
		{"is restored wrong", rest, country{restores: true, spoil: true}, "cannot begin at a checkpoint", 1},
	} {
		err := test.r.ReplayOn(test.there.machine, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
		test.there.check(t, test.makes)
	}
	for _, r := range []*flight.Recording{whole, rest} {
		if err := r.ReplayOn(func(flight.Birth) (transport.Machine, error) { return nil, broken }, nil); !errors.Is(err, broken) {
			t.Errorf("cannot be made: %v", err)
		}
	}

	b := flight.Birth{Open: true, Settings: settings(t, core.Config{})}
	f := record(t, b, flight.Options{Limit: flight.MinLimit})
	for range 80 {
		f.AppendMessage(nil, frame.Text, []byte(strings.Repeat("hello", 20)))
	}
	r := read(t, f.AppendRecording(nil, ""))
	there := country{spoil: true}
	err := r.ReplayOn(there.machine, nil)
	if d, ok := errors.AsType[*flight.Divergence](err); !ok || d.Step.Call.Op != flight.Checkpoint {
		t.Errorf("has another state: %v", err)
	}
	there.check(t, 1)
	mute := country{mute: true}
	if err := r.ReplayOn(mute.machine, nil); err != nil {
		t.Errorf("has a state that nobody knows: %v", err)
	}
}

// A recording of a machine that cannot tell its state when it is asked ends at the
// limit.
func TestForeignMachineThatCannotTell(t *testing.T) {
	abroad := country{mute: true}
	f := record(t, flight.Birth{Open: true, Make: abroad.machine}, flight.Options{Limit: flight.MinLimit})
	for range 300 {
		f.AppendMessage(nil, frame.Text, []byte(strings.Repeat("hello", 20)))
	}
	if r, _ := replays(t, f); !strings.Contains(r.Stopped, "limit") {
		t.Errorf("%+v", r)
	}
}

// Record makes a machine that begins, and passes on that it is released and that
// it fails.
func TestFlightForwards(t *testing.T) {
	abroad := country{restores: true}
	b := flight.Birth{Open: true, Make: abroad.machine, State: []byte("of another")}
	f := record(t, b, flight.Options{})
	told := 0
	f.OnFailure(func() { told++ })
	abroad.all[0].failed()
	f.Release()
	if abroad.check(t, 1); told != 1 {
		t.Errorf("told %d times of a failure", told)
	}
	plain := record(t, flight.Birth{Open: true}, flight.Options{})
	plain.OnFailure(func() { t.Error("a native core has failed") })
	plain.Release()
}

// A machine whose redacted copy cannot be made is released.
func TestRecordReleases(t *testing.T) {
	var abroad country
	b := flight.Birth{Role: core.Client, Settings: settings(t, core.Config{}), Make: func(b flight.Birth) (transport.Machine, error) {
		b.Request.Host = "a"
		return abroad.machine(b)
	}}
	b.Request.Host = "not a host"
	if _, err := flight.Record(b, flight.Options{Redact: true}); err == nil {
		t.Error("it is recorded")
	}
	abroad.check(t, 1)
}
