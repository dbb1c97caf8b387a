package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// fileOf writes a file and returns its path.
func fileOf(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// helloOutcome is what comes of a script in which a client says hello.
func helloOutcome(t *testing.T) string {
	t.Helper()
	s, err := sim.ParseScenario([]byte("1s client send text \"hello\"\nrun 2s\n"))
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := s.Run(nil, sim.RunOptions{})
	if err != nil || len(outcomes) != 1 {
		t.Fatalf("%d outcomes, %v", len(outcomes), err)
	}
	return outcomes[0].Text + "\n"
}

func TestReplayScenario(t *testing.T) { onBothCores(t, testReplayScenario) }

func testReplayScenario(t *testing.T, core string) {
	for _, c := range []struct {
		name, text string
		status     int
		says       []string
	}{
		{"a script", "1s client send text \"hello\"\nrun 2s\n", statusOK,
			[]string{`text "hello"`, "\npassed\n"}},
		{"a script for both roles", "roles both\n1s this ping\nrun 2s\n", statusOK,
			[]string{"is the server", "is the client", "ping", "\npassed\n"}},
		{"as expected", "run 2s\n---- \npassed\n", statusOK, []string{"\npassed, as "}},
		{"in each line as expected", "1s client send text \"hello\"\nrun 2s\n---- \n" + helloOutcome(t), statusOK, []string{"\npassed, as "}},
		{"as expected but for a line", "1s client send text \"hello\"\nrun 2s\n---- \n" + strings.Replace(helloOutcome(t), "hello", "hullo", 1), statusFailed,
			[]string{"passed, and what happened differs from what ", "in line ", "\nexpected: ", "hullo", "\nhappened: "}},
		{"less than expected", "run 2s\n----\npassed\n\nmore\n", statusFailed, []string{"differs from what "}},
		{"not as expected", "run 2s\n---- \nviolated: settles\n", statusOK, []string{"expects: violated: settles"}},
		{"a world", "world echo\nchoice clients 0 2/3\n", statusOK, []string{"cid", "\npassed\n"}},
		{"an unknown world", "world nowhere\n", statusFailed, []string{"nowhere", "echo, chat"}},
		{"no scenario", "package main\n", statusFailed, []string{"is not a scenario", "line 1"}},
		{"nothing known", "\x7fELF\x00\x01", statusFailed, []string{"neither a scenario"}},
		{"a broken recording", "\x89WSF\r\n\x1a\nxxxxxxx", statusFailed, []string{"flight recording"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := fileOf(t, "a.scenario", c.text)
			r := command(t.Context(), "", "replay", "--core", core, path)
			if r.status != c.status {
				t.Errorf("status %d, want %d", r.status, c.status)
			}
			for _, word := range c.says {
				if !strings.Contains(r.stdout+r.stderr, word) {
					t.Errorf("it does not say %q:\n%s%s", word, r.stdout, r.stderr)
				}
			}
		})
	}
}

// A scenario with roles makes two pages.
func TestReplayWritesPages(t *testing.T) {
	dir := t.TempDir()
	path := fileOf(t, "a.scenario", "roles both\nrun 2s\n")
	r := command(t.Context(), "", "replay", "--html", filepath.Join(dir, "run.html"), path)
	if r.status != statusOK {
		t.Errorf("status %d: %s", r.status, r.stderr)
	}
	for _, name := range []string{"run.html", "run-client.html"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), "<html") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReplayKeepsToTheWidth(t *testing.T) {
	path := fileOf(t, "a.scenario", "1s client send text 40*\"hello\"\nrun 2s\n")
	r := command(t.Context(), "", "replay", "--width", "70", "--all", path)
	for line := range strings.Lines(r.stdout) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 70 && !strings.Contains(line, path) {
			t.Errorf("wider than 70: %q", line)
		}
	}
}

// A file that is not there does not keep the others from being replayed.
func TestReplaySeveral(t *testing.T) {
	good := fileOf(t, "good.scenario", "run 2s\n")
	r := command(t.Context(), "", "replay", "none.scenario", good)
	if r.status != statusFailed || !strings.Contains(r.stderr, "none.scenario") || !strings.Contains(r.stdout, "\npassed\n") {
		t.Errorf("status %d, standard output %q, standard error %q", r.status, r.stdout, r.stderr)
	}
}

// recorded returns the recording of a server that answers pings, or not.
func recorded(t *testing.T, pings core.PingPolicy) []byte {
	t.Helper()
	settings, err := core.NewSettings(core.Config{Pings: pings})
	if err != nil {
		t.Fatal(err)
	}
	f, err := flight.Record(flight.Birth{Settings: settings, Role: core.Server, Open: true}, flight.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ping := []byte("\x89\x80\x00\x00\x00\x00")
	f.Recv(clock.Time(time.Second), ping, make([]byte, core.ScratchSize))
	f.Tick(clock.Time(15 * time.Second))
	f.AppendOutput(nil)
	return f.AppendRecording(nil, "the test is over")
}

func TestReplayRecording(t *testing.T) { onBothCores(t, testReplayRecording) }

func testReplayRecording(t *testing.T, kind string) {
	dir := t.TempDir()
	page := filepath.Join(dir, "run.html")
	path := fileOf(t, "a.wsf", string(recorded(t, core.PingAnswer)))
	r := command(t.Context(), "", "replay", "--core", kind, "--html", page, path)
	if r.status != statusOK {
		t.Errorf("status %d: %s", r.status, r.stderr)
	}
	for _, word := range []string{"the server of a connection", "the test is over", "1s: Recv 6 bytes", "\n        in   89 80 00 00 00 00  ......\n", "Tick", "\n        out  8a 00 89 00  ....\n", "each as recorded, bit for bit"} {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("it does not say %q:\n%s", word, r.stdout)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "<html") {
		t.Errorf("the page: %v", err)
	}
}

// falsified returns the recording with a change that is found in the replay
// alone.
func falsified(t *testing.T, recording []byte) []byte {
	t.Helper()
	for i := range recording {
		p := bytes.Clone(recording)
		p[i] ^= 1
		end := len(p) - crc32.Size
		binary.LittleEndian.PutUint32(p[end:], crc32.Checksum(p[:end], crc32.MakeTable(crc32.Castagnoli)))
		r, err := flight.Read(bytes.NewReader(p))
		if err != nil {
			continue
		}
		if _, ok := errors.AsType[*flight.Divergence](r.Replay(nil)); ok {
			return p
		}
	}
	t.Fatal("no change makes the replay diverge")
	return nil
}

func TestReplayDiverges(t *testing.T) { onBothCores(t, testReplayDiverges) }

func testReplayDiverges(t *testing.T, kind string) {
	page := filepath.Join(t.TempDir(), "run.html")
	path := fileOf(t, "a.wsf", string(falsified(t, recorded(t, core.PingAnswer))))
	r := command(t.Context(), "", "replay", "--core", kind, "--html", page, path)
	if r.status != statusFailed || r.stderr != "" {
		t.Errorf("status %d, standard error %q", r.status, r.stderr)
	}
	for _, word := range []string{"not what was recorded", "diverges: ", "\nrecorded: ", "\nreplayed: "} {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("it does not say %q:\n%s", word, r.stdout)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "diverges") {
		t.Errorf("the page: %v", err)
	}
}

// What came from the peer is shown, and cannot write to the terminal.
func TestDumpOf(t *testing.T) {
	for _, c := range []struct {
		p    string
		wire bool
		want string
	}{
		{"", true, ""},
		{"payload", false, ""},
		{"\x81\x03h\x1b[", true, "\n      in   81 03 68 1b 5b  ..h.["},
		{strings.Repeat("a", mostDumped+1), true, "\n      in   61" + strings.Repeat(" 61", mostDumped-1) + "  " + strings.Repeat("a", mostDumped) + "  and 1 byte more"},
	} {
		if got := dumpOf("in", c.wire, []byte(c.p)); got != c.want {
			t.Errorf("%q: %q, want %q", c.p, got, c.want)
		}
	}
}

func TestReplayIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, core := range []string{"native", "wasm"} {
		if r := command(ctx, "", "replay", "--core", core, fileOf(t, "a.scenario", "run 2s\n")); r.status != statusInterrupted {
			t.Errorf("%s: status %d: %s", core, r.status, r.stderr)
		}
	}
}

func TestReplayChecksThePageFirst(t *testing.T) {
	page := filepath.Join(t.TempDir(), "none", "run.html")
	r := command(t.Context(), "", "replay", "--html", page, fileOf(t, "a.scenario", "run 2s\n"))
	if r.status != statusFailed || r.stdout != "" || !strings.Contains(r.stderr, "--html: ") {
		t.Errorf("status %d, standard output %q, standard error %q", r.status, r.stdout, r.stderr)
	}
}

// Where the sandbox is broken nothing can be replayed.
func TestReplayNeedsTheSandbox(t *testing.T) {
	hostsBy(t, brokenHost)
	for name, text := range map[string]string{
		"a.scenario": "1s client send text \"hello\"\nrun 2s\n",
		"a.wsf":      string(recorded(t, core.PingAnswer)),
	} {
		r := command(t.Context(), "", "replay", "--core", "wasm", fileOf(t, name, text))
		if r.status != statusFailed || !strings.Contains(r.stdout+r.stderr, "the host is closed") {
			t.Errorf("%s: status %d, standard output %q, standard error %q", name, r.status, r.stdout, r.stderr)
		}
	}
}
