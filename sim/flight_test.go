package sim_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/sim/chart"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// incident records a TCP connection whose client sends a text that is not UTF-8,
// and returns the file.
func incident(t *testing.T) string {
	files := make(chan string, 1)
	o := websockets.Strict()
	o.Recorder = &flight.Recorder{Dir: t.TempDir(), OnFile: func(path string, err error) {
		if err != nil {
			t.Error(err)
		}
		files <- path
	}}
	l, err := tcp.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return err
			}
			if err := c.Send(ctx, m.Type, m.Data); err != nil {
				return err
			}
		}
		return nil
	}, o)
	go server.Serve(l)
	defer server.Shutdown(t.Context())
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
		"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" + // RFC 6455 section 5.7: "Hello"
		"\x81\x81\x00\x00\x00\x00\xff"))
	conn.(*net.TCPConn).CloseWrite()
	return <-files
}

func TestRecordingOfARealConnection(t *testing.T) {
	path := incident(t)
	r, err := flight.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sim.FlightChart(r)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.WriteText(&b, chart.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GET / HTTP/1.1", "HTTP/1.1 101", `text "\xff"`, `message: text "Hello"`, `text "Hello"`, core.ErrInvalidUTF8.Error(), "close 1007"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the chart lacks %q:\n%s", want, b.String())
		}
	}
	sim.ReplayFlight(t, path)
}

// What the peer sent is drawn as its: frames in words, pieces of them, and what
// is no frame.
func TestFlightChartDrawsWhatCameIn(t *testing.T) {
	settings, err := core.NewSettings(core.Config{Pings: core.PingAnswer, Entropy: func() uint32 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	f, err := flight.Record(flight.Birth{Settings: settings, Role: core.Client, Open: true}, flight.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scratch := make([]byte, core.ScratchSize)
	for _, p := range []string{"\x89\x02hi\x81", "\x05\x1b[2", "J!", "\x83\x00and more"} {
		for in := []byte(p); len(in) > 0; {
			n, _ := f.Recv(1e9, in, scratch)
			if n == 0 {
				break
			}
			in = in[n:]
		}
	}
	r, err := flight.Read(bytes.NewReader(f.AppendRecording(nil, "")))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sim.FlightChart(r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Steps {
		if s.Kind == chart.Send && s.Lane == 1 {
			got = append(got, s.Text)
		}
	}
	want := []string{`ping "hi"`, `bytes "\x81"`, `bytes "\x05\x1b[2", which go on`, `text "\x1b[2J!"`, `reserved opcode 0x3 ""`}
	if !slices.Equal(got, want) {
		t.Errorf("the peer sent\n%q, want\n%q", got, want)
	}
	var b strings.Builder
	if err := c.WriteText(&b, chart.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") || !strings.Contains(b.String(), `event      ping "hi"`) {
		t.Errorf("the chart is\n%s", b.String())
	}
	if c.Verdict != "replayed as recorded" {
		t.Errorf("verdict %q", c.Verdict)
	}
}

// A failingTB notes the errors of a test.
type failingTB struct {
	testing.TB
	errors []string
}

func (f *failingTB) Error(args ...any) { f.errors = append(f.errors, fmt.Sprint(args...)) }

func (f *failingTB) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func TestReplayFlightFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not.wsf")
	if err := os.WriteFile(path, []byte("no recording"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + ".missing"} {
		tb := &failingTB{TB: t}
		sim.ReplayFlight(tb, file)
		if len(tb.errors) != 1 || strings.Count(tb.errors[0], file) != 1 {
			t.Errorf("errors %q, want one that names %s", tb.errors, file)
		}
	}
}
