package main

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

func TestShares(t *testing.T) {
	for _, test := range []struct {
		n, most int
		want    []int
	}{{1, 10, []int{1}}, {10, 10, []int{10}}, {11, 10, []int{5, 6}}, {100, 40, []int{33, 33, 34}}} {
		if got := shares(test.n, test.most); !slices.Equal(got, test.want) {
			t.Errorf("%d, %d at most: %v; want %v", test.n, test.most, got, test.want)
		}
	}
}

func TestPerProcess(t *testing.T) {
	if n := perProcess(); n < 1 || n > mostPerProcess {
		t.Errorf("%d connections", n)
	}
}

func shortStream(t *testing.T) *raw.Stream {
	t.Helper()
	stream, err := raw.NewStream(payload.Binary(16), uncompressed, false)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// All connections of all servers have their messages sent back.
func TestASpread(t *testing.T) {
	for _, name := range []string{"websockets", "rawtcp"} {
		peer, err := peers.Of(name)
		if err != nil {
			t.Fatal(err)
		}
		var s spread
		for _, n := range shares(10, 4) {
			if err := s.add(peer, shortStream(t), n, 2); err != nil {
				t.Fatal(err)
			}
		}
		if tally, err := s.burst(4); err != nil || tally.Messages != 40 || len(s.servers) != 3 {
			t.Errorf("%s: %d servers, %+v, %v", name, len(s.servers), tally, err)
		}
		if cost, err := measureBursts(s.servers, s.burst, 2, time.Millisecond); err != nil || cost.cpu <= 0 {
			t.Errorf("%s: %+v, %v", name, cost, err)
		}
		s.servers[1].cmd.Process.Kill()
		if _, err := s.burst(2); err == nil {
			t.Errorf("%s: no error without one of the servers", name)
		}
		s.stop()
	}
}

// What opens no connections is a limit.
func TestAServerThatIsFull(t *testing.T) {
	s, err := start(&job{peer: peers.All()[0], mode: uncompressed})
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	s.addr = "127.0.0.1:1"
	why := limit("")
	if _, err := startFleet(s, shortStream(t), 2, 1); !errors.As(err, &why) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

// Loads of more connections go to more servers, as far as the memory suffices.
func TestGrowthOverProcesses(t *testing.T) {
	for _, test := range []struct {
		spare     uint64
		want, not string
		progress  string
	}{
		{0, "  100\n", "no more", "\nwebsockets, 16 B binary, 100 connections, 3 processes"},
		{math.MaxUint64, "(no more than 10: the machine's memory is used up)", "  100\n", "3 processes"},
	} {
		p, err := parse([]string{"-short", "-scenario", "growth", "-only", "number of connections", "-peers", "websockets,rawtcp", "-svg", t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var out, progress strings.Builder
		p.perProcess, p.spare, p.progress = 40, test.spare, &progress
		if err := p.run(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), test.not) || !strings.Contains(progress.String(), test.progress) {
			t.Errorf("%s\n%s", out.String(), progress.String())
		}
	}
}

func TestFleetsWithoutOrders(t *testing.T) {
	if err := runFleet(strings.NewReader("{"), io.Discard); err == nil {
		t.Error("no error")
	}
}
