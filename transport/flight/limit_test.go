package flight_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// The last part of a flight is kept, within the limit, and replays from a
// checkpoint.
func TestLimit(t *testing.T) {
	for _, redact := range []bool{false, true} {
		for _, limit := range []int{0, 1, 50 << 10} {
			if limit == 0 && redact {
				continue
			}
			size := max(limit, flight.MinLimit)
			if limit == 0 {
				size = flight.DefaultLimit
			}
			f := record(t, flight.Birth{Open: true}, flight.Options{Limit: limit, Redact: redact})
			for i := range 3 * size / 40 {
				now := clock.Time(i) * 1e6
				f.Recv(now, []byte("\x81\x85\x00\x00\x00\x00hello"), make([]byte, core.ScratchSize))
				out, _ := f.AppendMessage(nil, frame.Text, []byte("hello"))
				f.Wrote(now, len(out))
			}
			file := f.AppendRecording(nil, "")
			r, _ := replays(t, f)
			if !r.Dropped || len(file) > size+400 || len(file) < size/4 {
				t.Errorf("limit %d: a file of %d bytes, dropped: %v", limit, len(file), r.Dropped)
			}
			// What ended it is not pushed out by what the peer sends on.
			f.Recv(1e12, []byte("\x83\x80abcd"), make([]byte, core.ScratchSize))
			for range 1000 {
				f.Recv(1e12, make([]byte, 60_000), make([]byte, core.ScratchSize))
			}
			_, steps := replays(t, f)
			if all := strings.Join(steps, "\n"); !strings.Contains(all, "event: failed, code 1002") || !strings.Contains(all, "Recv 60000 bytes, discarded") {
				t.Errorf("limit %d: the end is missing", limit)
			}
		}
	}
}

// A handshake that does not end is bounded as well, and goes on from a
// checkpoint.
func TestLimitInHandshake(t *testing.T) {
	for _, redact := range []bool{false, true} {
		for _, role := range []core.Role{core.Server, core.Client} {
			b := flight.Birth{Role: role, Settings: settings(t, core.Config{HandshakeTimeout: -1})}
			if role == core.Client {
				b.Request.Host = "sesame.example"
			}
			f := record(t, b, flight.Options{Limit: flight.MinLimit, Redact: redact})
			head := sampleRequest
			if key := keyIn(f.AppendOutput(nil)); role == core.Client {
				head = strings.Replace(answerTo(key), "Sec-WebSocket-Protocol: sesame.v1\r\n", "", 1)
			}
			head = strings.Replace(head, "Upgrade:", "X: "+strings.Repeat("sesame", 1000)+"\r\nUpgrade:", 1)
			now := clock.Time(0)
			wait := func(n int) {
				for range n {
					now = now.Add(time.Second)
					f.Tick(now)
				}
			}
			wait(20_000)
			for len(head) > 1 {
				now++
				n, _ := f.Recv(now, []byte(head[:1]), make([]byte, core.ScratchSize))
				head = head[n:]
			}
			wait(20_000)
			file := f.AppendRecording(nil, "")
			if r, _ := replays(t, f); !r.Dropped || r.Stopped != "" || len(file) > flight.MinLimit+2*7000 || f.Open() || f.Err() != nil {
				t.Errorf("%v, redacted: %v: a file of %d bytes, %v, dropped: %v, stopped: %q", role, redact, len(file), f.Err(), r.Dropped, r.Stopped)
			}
			f.Recv(now, []byte(head), make([]byte, core.ScratchSize))
			if role == core.Server {
				wait(20_000)
				if err := f.Accept(now, core.AcceptOptions{Subprotocol: "sesame.v1"}); err != nil {
					t.Error(err)
				}
			}
			if !f.Open() {
				t.Errorf("not open: %v", f.Err())
			}
			r, steps := replays(t, f)
			if all := strings.Join(steps[len(steps)-2:], "\n"); !r.Dropped || !strings.Contains(all, "event: open") && !strings.Contains(all, "Accept") {
				t.Errorf("%v, redacted: %v: ends with %s", role, redact, all)
			}
			if file := f.AppendRecording(nil, ""); redact && bytes.Contains(file, []byte("sesame")) {
				t.Error("a secret is in the file")
			}
		}
	}
}

// Long headers of an answer are bridged as long payloads are.
func TestGapInHandshake(t *testing.T) {
	f := record(t, flight.Birth{}, flight.Options{Limit: flight.MinLimit})
	f.Recv(1, []byte(sampleRequest), make([]byte, core.ScratchSize))
	if err := f.Accept(1, core.AcceptOptions{Header: []core.Field{{Name: "X", Value: strings.Repeat("y", 20_000)}}}); err != nil {
		t.Fatal(err)
	}
	out := f.AppendOutput(nil)
	f.Wrote(1, len(out))
	f.AppendMessage(nil, frame.Text, []byte("hello"))
	_, steps := replays(t, f)
	if all := strings.Join(steps, "\n"); !strings.Contains(all, "gap") || strings.Contains(all, "Accept") || !strings.HasSuffix(all, "output 7 bytes") {
		t.Errorf("steps\n%s", all)
	}
}

// A call with more data than is kept leaves a gap, and the replay goes on behind
// it.
func TestGap(t *testing.T) {
	f := record(t, flight.Birth{Open: true}, flight.Options{Limit: flight.MinLimit})
	f.AppendPing(nil, nil)
	big := bytes.Repeat([]byte("x"), 100_000)
	for range 3 {
		f.AppendFragment(nil, frame.Text, big, false)
	}
	f.AppendFragment(nil, frame.Continuation, []byte("end"), true)
	r, steps := replays(t, f)
	if got := strings.Join(steps, "\n"); got != "0s: AppendPing, 0 bytes; output 2 bytes\n0s: gap\n0s: gap\n0s: gap\n0s: AppendFragment continuation, 3 bytes, the last; output 5 bytes" {
		t.Errorf("steps\n%s", got)
	}
	if r.Dropped || r.Calls != 2 {
		t.Errorf("facts: %+v", r)
	}
}

// A long input is taken in pieces, as it may be.
func TestLongInput(t *testing.T) {
	f := record(t, flight.Birth{Open: true}, flight.Options{Limit: 32 << 10})
	payload := bytes.Repeat([]byte("0123456789"), 2000)
	in := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text, Masked: true}, payload)
	in = append(in, "\x00\x80abcd\x89\x80abcd"...) // after an error nothing else comes
	var got []byte
	chunks := 0
	for {
		n, ev := f.Recv(1, in, make([]byte, core.ScratchSize))
		in = in[n:]
		if ev.Kind != core.EventMessage {
			break
		}
		got = append(got, ev.Data...)
		chunks++
	}
	if !bytes.Equal(got, payload) || chunks < 5 {
		t.Errorf("%d bytes in %d chunks", len(got), chunks)
	}
	replays(t, f)
}

// A machine whose state cannot be kept is recorded from its beginning to the
// limit.
func TestForeignMachine(t *testing.T) {
	made := 0
	b := flight.Birth{Open: true, Role: core.Client, Settings: settings(t, core.Config{}), Make: func(b flight.Birth) (transport.Machine, error) {
		made++
		c, err := core.NewOpen(b.Settings, b.Now, b.Role)
		return struct{ transport.Machine }{c}, err
	}}
	f := record(t, b, flight.Options{Limit: flight.MinLimit})
	for range 100 {
		f.AppendMessage(nil, frame.Binary, make([]byte, 1000))
	}
	r, steps := replays(t, f)
	if r.Dropped || !strings.Contains(r.Stopped, "limit") || len(steps) == 0 || len(steps) > 16 {
		t.Errorf("%d steps, %+v", len(steps), r)
	}
	if err := r.ReplayOn(b.Make, nil); err != nil || made != 2 {
		t.Errorf("%v", err)
	}
}

// A redacted copy that could not follow ends the recording, and nothing else.
func TestRedactedCopyThatCannotFollow(t *testing.T) {
	f := record(t, flight.Birth{Open: true, Make: func(b flight.Birth) (transport.Machine, error) {
		b.Make = nil
		m, err := b.Machine()
		return liar{m, "refused"}, err
	}}, flight.Options{Redact: true})
	f.AppendPing(nil, nil)
	f.AppendMessage(nil, frame.Text, []byte("a"))
	f.AppendPing(nil, nil)
	r, steps := replays(t, f)
	if len(steps) != 1 || !strings.Contains(r.Stopped, "redacted copy") {
		t.Errorf("%q, %q", steps, r.Stopped)
	}
}

// A machine that cannot be made is an error.
func TestRecordRefuses(t *testing.T) {
	mute, err := core.NewSettings(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, redact := range []bool{false, true} {
		for _, b := range []flight.Birth{
			{Role: core.Client, Settings: mute, Request: core.RequestOptions{Host: "a"}},
			{Role: core.Client, Open: true, Settings: mute},
			{Role: core.Client, Settings: settings(t, core.Config{}), Request: core.RequestOptions{Host: "not a host"}},
		} {
			if f, err := flight.Record(b, flight.Options{Redact: redact}); err == nil || f != nil {
				t.Errorf("%+v is recorded", b)
			}
		}
	}
}

// A recording may be asked for while the connection is driven.
func TestRecordingOfALiveConnection(t *testing.T) {
	f := record(t, flight.Birth{Open: true, Role: core.Client}, flight.Options{Limit: flight.MinLimit})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 2000 {
			f.AppendMessage(nil, frame.Text, []byte("hello"))
		}
	})
	for range 50 {
		replays(t, f)
		time.Sleep(time.Microsecond)
	}
	wg.Wait()
}
