package flight_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// sealed returns a file with its checksum made right.
func sealed(file []byte) []byte {
	end := len(file) - 4
	return binary.LittleEndian.AppendUint32(bytes.Clone(file[:end]), crc32.Checksum(file[:end], crc32.MakeTable(crc32.Castagnoli)))
}

// talk is a short flight of an open server: a text of five bytes, its echo, a
// ping of ours.
func talk(t testing.TB) *flight.Flight {
	f := record(t, flight.Birth{Open: true, Now: 1e9, Label: "peer"}, flight.Options{})
	in := []byte("\x81\x85\x00\x00\x00\x00hello")
	f.Recv(1e9+5, in, make([]byte, core.ScratchSize))
	out, _ := f.AppendMessage(nil, frame.Text, []byte("hello"))
	f.Wrote(1e9+7, len(out))
	f.Tick(16e9)
	f.Wrote(16e9, len(f.AppendOutput(nil)))
	return f
}

func TestSteps(t *testing.T) {
	r, steps := replays(t, talk(t))
	want := []string{
		"5ns: Recv 11 bytes; event: message text, first, last, 5 bytes",
		"5ns: AppendMessage text, 5 bytes; output 7 bytes",
		"7ns: Wrote 7 bytes",
		"15s: Tick",
		"15s: AppendOutput; output 2 bytes",
		"15s: Wrote 2 bytes",
	}
	if strings.Join(steps, "\n") != strings.Join(want, "\n") {
		t.Errorf("steps\n%s\nwant\n%s", strings.Join(steps, "\n"), strings.Join(want, "\n"))
	}
	if r.Calls != len(want) || r.Label != "peer" || r.Birth.Label != "peer" || r.Redacted || r.Dropped || !r.Birth.Open || r.Birth.Now != 1e9 {
		t.Errorf("facts %+v", r)
	}
	err := r.Replay(func(s *flight.Step) error {
		if s.Index == 0 {
			want := flight.State{Deadline: 16e9, Timer: core.TimerPing, Open: true}
			if s.State != want || s.At != 5 || string(s.Call.Data) != "\x81\x85\x00\x00\x00\x00hello" || string(s.Answer.Event.Data) != "hello" ||
				!strings.HasPrefix(s.Dump(), "role=0 phase=1 ") || s.Diverges {
				t.Errorf("%+v %q", s, s.Dump())
			}
			return nil
		}
		return io.ErrShortBuffer
	})
	if err != io.ErrShortBuffer {
		t.Errorf("the error of a step comes back as %v", err)
	}
}

// The file of a short flight, to the byte: the format must not change without
// its version.
func TestFileFormat(t *testing.T) {
	f := record(t, flight.Birth{Open: true, Now: 3, Label: "l"}, flight.Options{})
	f.Recv(4, []byte("\x82\x81\x00\x00\x00\x00a"), make([]byte, 200))
	f.Wrote(4, 0)
	f.SetReading(3, false)
	file := f.AppendRecording([]byte("before"), "why")
	file, ok := bytes.CutPrefix(file, []byte("before\x89WSF\r\n\x1a\n\x01"))
	if !ok {
		t.Fatalf("begins with %q", file)
	}
	n, k := binary.Uvarint(file)
	facts, rest := file[k:k+int(n)], file[k+int(n):]
	at := bytes.Index(facts, []byte("\x01l\x03why"))
	if facts[0] != 0x04 || at < 0 {
		t.Fatalf("facts %q", facts)
	}
	now, k := binary.Varint(facts[at+6:])
	facts = facts[at+6+k:]
	var config []int64
	for range 11 {
		v, k := binary.Varint(facts)
		config, facts = append(config, v), facts[k:]
	}
	want := []int64{15e9, -1, 5e9, 58e9, 10e9, 1 << 20, 1 << 20, 65536, 10000, 32768, 128}
	for i := range want {
		if config[i] != want[i] {
			t.Errorf("field %d of the configuration is %d, want %d", i, config[i], want[i])
		}
	}
	if now != 3 || string(facts) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("born at %d; pings, request and entropy %q", now, facts)
	}
	wantRest := "\x01\x65\x02\x7d\x07\x82\x81\x00\x00\x00\x00a" + // Recv a nanosecond later with a scratch of 125
		"\x03\x02\x03\x00\x01\x30\x43\xd0\xc1" + // a binary message, first and last, of 1 byte
		"\x02" + string(binary.AppendVarint(nil, 15e9-1)) + "\x80\x00" + // ping timer; transport open, no error
		"\x0a\x00\x00" + // Wrote 0
		"\x07\x01\x01" + // SetReading(false), a nanosecond before
		"\x00\x00"
	if got := string(rest[:len(rest)-4]); got != wantRest {
		t.Errorf("records %q\nwant    %q", got, wantRest)
	}
}

// A recording that was changed diverges at the step that is not as it was.
func TestDivergence(t *testing.T) {
	file := talk(t).AppendRecording(nil, "")
	for _, test := range []struct{ name, old, new, want string }{
		{"input", "\x81\x85\x00\x00\x00\x00hello", "\x81\x85\x00\x00\x00\x00jello",
			"step 0, 5ns after the beginning, diverges: Recv 11 bytes: recorded event: message text, first, last, 5 bytes (CRC-32C 9a71bb4c); replayed event: message text, first, last, 5 bytes (CRC-32C "},
		{"invalid input", "\x81\x85\x00\x00\x00\x00hello", "\x81\x85\x00\x00\x00\x00h\xffllo", "replayed event: message text, first, 1 byte ("},
		{"another opcode", "\x81\x85\x00\x00\x00\x00hello", "\x82\x85\x00\x00\x00\x00hello", "replayed event: message binary, first, last, 5 bytes"},
		{"a violation", "\x81\x85\x00\x00\x00\x00hello", "\x83\x85\x00\x00\x00\x00hello", "replayed event: failed, code 1002"},
		{"a part", "\x81\x85\x00\x00\x00\x00hello", "\x81\x86\x00\x00\x00\x00hello", "replayed event: message text, first, 5 bytes"},
		{"payload", "\x0d\x08\x01\x05hello", "\x0d\x08\x01\x05Hello", "step 1, 5ns after the beginning, diverges: AppendMessage text, 5 bytes: recorded output of 7 bytes (CRC-32C "},
		{"refused", "\x0d\x08\x01\x05hello", "\x0d\x08\x03\x05hello", "recorded output of 7 bytes"},
	} {
		changed := bytes.Replace(file, []byte(test.old), []byte(test.new), 1)
		if bytes.Equal(changed, file) {
			t.Errorf("%s: not found in %q", test.name, file)
			continue
		}
		last := 0
		err := read(t, sealed(changed)).Replay(func(s *flight.Step) error {
			if s.Diverges {
				last++
			}
			return nil
		})
		e, ok := errors.AsType[*flight.Divergence](err)
		if !ok || !strings.Contains(e.Error(), test.want) || last != 1 || !e.Step.Diverges {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

// What a divergence says, for each part of an answer.
func TestDivergenceOfState(t *testing.T) {
	for name, test := range map[string]struct {
		other func(core.Config) core.Config
		want  string
	}{
		"timer": {func(c core.Config) core.Config { c.PingInterval = 20 * time.Second; return c }, "recorded ping timer at 15s; replayed ping timer at 20s"},
		"none": {func(c core.Config) core.Config { c.PingInterval, c.ConnectionTimeout = -1, -1; return c },
			"recorded ping timer at 15s; replayed no timer"},
	} {
		r := read(t, talk(t).AppendRecording(nil, ""))
		r.Birth.Settings = settings(t, test.other(r.Birth.Settings.Config()))
		if err := r.Replay(nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A machine of another kind that answers in its own way.
	for name, want := range map[string]string{
		"err":       "recorded failed: no; replayed failed: an error of another package",
		"transport": "recorded transport: open; replayed transport: abort",
		"open":      "recorded open: true; replayed open: false",
		"refused":   "recorded output of 7 bytes",
		"n":         "recorded all of it taken; replayed 0 bytes taken",
	} {
		err := read(t, talk(t).AppendRecording(nil, "")).ReplayOn(func(b flight.Birth) (transport.Machine, error) {
			b.Make = nil
			m, err := b.Machine()
			return liar{m, name}, err
		}, nil)
		if _, ok := errors.AsType[*flight.Divergence](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A liar is a machine that answers one thing wrong.
type liar struct {
	transport.Machine
	about string
}

func (l liar) Err() error {
	if l.about == "err" {
		return io.EOF
	}
	return l.Machine.Err()
}

func (l liar) Transport() core.Transport {
	if l.about == "transport" {
		return core.TransportAbort
	}
	return l.Machine.Transport()
}

func (l liar) Open() bool { return l.about != "open" && l.Machine.Open() }

func (l liar) Recv(now clock.Time, in, scratch []byte) (int, core.Event) {
	if l.about == "n" {
		return 0, core.Event{}
	}
	return l.Machine.Recv(now, in, scratch)
}

func (l liar) AppendMessage(dst []byte, op frame.Opcode, p []byte) ([]byte, error) {
	if l.about == "refused" {
		return dst, core.ErrNotOpen
	}
	return l.Machine.AppendMessage(dst, op, p)
}

// Files that cannot be read are told from one another.
func TestReadRefuses(t *testing.T) {
	good := talk(t).AppendRecording(nil, "")
	future := bytes.Clone(good)
	future[8] = 2
	end := len(good) - 6
	with := func(old, new string) []byte { return sealed(bytes.Replace(good, []byte(old), []byte(new), 1)) }
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "it is empty"},
		{"text", []byte("hello, this is something else"), "this is no flight recording"},
		{"short", []byte("hello"), "this is no flight recording"},
		{"magic", good[:5], "it is cut off"},
		{"version", good[:9], "it is cut off"},
		{"cut off", good[:len(good)-1], "the checksum is wrong"},
		{"changed", bytes.Replace(good, []byte("hello"), []byte("jello"), 1), "the checksum is wrong"},
		{"future", future, "it is of version 2, and this program reads version 1"},
		{"without an end", sealed(append(bytes.Clone(good[:end]), 0, 0, 0, 0)), "a part is missing"},
		{"more", sealed(append(bytes.Clone(good[:end+2]), 0, 0, 0, 0, 0, 0)), "more behind the end"},
		{"unknown call", with("\x0d\x08\x01\x05hello", "\x99\x08\x01\x05hello"), "a call that this version does not know"},
		{"long payload", with("\x0d\x08\x01\x05hello", "\x0d\x08\x01\x7fhello"), "a part is missing"},
		{"configuration", with(string(binary.AppendVarint(nil, 58e9)), string(binary.AppendVarint(nil, 14e9))), "ConnectionTimeout must be longer"},
	} {
		_, err := flight.Read(bytes.NewReader(test.file))
		if _, ok := errors.AsType[*flight.FormatError](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	for n := range good {
		if _, err := flight.Read(bytes.NewReader(good[:n])); err == nil {
			t.Errorf("the first %d bytes are read", n)
		}
		if n < len(good)-4 && n > 9 {
			if _, err := flight.Read(bytes.NewReader(sealed(good[:n+4]))); err == nil {
				t.Errorf("the first %d bytes are read with a checksum", n)
			}
		}
	}
	if _, err := flight.Read(iotest.ErrReader(io.ErrNoProgress)); err != io.ErrNoProgress {
		t.Errorf("%v", err)
	}
	if _, err := flight.Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	path := filepath.Join(t.TempDir(), "bad")
	os.WriteFile(path, []byte("bad"), 0o600)
	if _, err := flight.Open(path); err == nil || !strings.HasPrefix(err.Error(), path+": flight recording: this is no") {
		t.Errorf("%v", err)
	}
}

// Reading and replaying whatever comes is safe.
func FuzzRead(f *testing.F) {
	f.Add(talk(f).AppendRecording(nil, "why"))
	for seed := range uint64(8) {
		for _, role := range []core.Role{core.Server, core.Client} {
			b := flight.Birth{Role: role, Open: seed%2 == 0, Settings: settings(f, config(seed)), Request: core.RequestOptions{Host: "a"}}
			fl := record(f, b, flight.Options{Limit: 1, Redact: seed%3 == 0})
			l := life{seed: seed, m: fl, role: role}
			l.run(30+int(seed)*40, b.Open)
			f.Add(fl.AppendRecording(nil, ""))
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 4 || len(file) > 1<<16 {
			return
		}
		for _, file := range [][]byte{file, sealed(file)} {
			r, err := flight.Read(bytes.NewReader(file))
			if err != nil {
				if _, ok := errors.AsType[*flight.FormatError](err); !ok {
					t.Fatal(err)
				}
				continue
			}
			r.Replay(func(s *flight.Step) error {
				_ = s.String()
				return nil
			})
		}
	})
}

// A recording with a byte changed is refused, diverges or does the same.
func TestMutatedRecordings(t *testing.T) {
	var f *flight.Flight
	for seed := uint64(0); f == nil || !f.Open(); seed++ {
		b := flight.Birth{Role: core.Client, Open: true, Settings: settings(t, config(seed))}
		f = record(t, b, flight.Options{Limit: 1})
		l := life{seed: seed, m: f, role: b.Role}
		l.run(400, true)
	}
	good := f.AppendRecording(nil, "")
	rnd := rand.New(rand.NewPCG(3, 3))
	outcomes := map[string]int{}
	for range 1000 {
		r, err := flight.Read(bytes.NewReader(sealed(mutate(rnd, bytes.Clone(good)))))
		if err != nil {
			outcomes["refused"]++
			continue
		}
		switch err := r.Replay(nil).(type) {
		case nil:
			outcomes["same"]++
		case *flight.Divergence:
			outcomes["diverges"]++
		case *flight.FormatError:
			outcomes["no state"]++
		default:
			t.Fatal(err)
		}
	}
	if outcomes["diverges"] < 600 || outcomes["refused"] < 10 {
		t.Errorf("%v", outcomes)
	}
	t.Log(outcomes)
}
