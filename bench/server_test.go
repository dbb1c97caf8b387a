package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// TestMain makes the tests' own program one that can be started as a server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "fleet", "crowd"}, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// Every peer sends back every message, compressed, whether it came compressed or not,
// over more than a lap. The client decompresses with what the mode lets it keep.
func TestEveryPeerEchoes(t *testing.T) {
	for _, peer := range peers.All() {
		for _, mode := range raw.Modes {
			if !peer.Has(mode) {
				continue
			}
			t.Run(peer.Name+"/"+mode.Name, func(t *testing.T) {
				s, err := start(&job{peer: peer, mode: mode})
				if err != nil {
					t.Fatal(err)
				}
				defer s.stop()
				for _, set := range payload.Sets() {
					echo(t, s, set, false)
					echo(t, s, set, true)
				}
			})
		}
	}
}

func echo(t *testing.T, s *server, set *payload.Set, plain bool) {
	t.Helper()
	stream, err := raw.NewStream(set, s.mode, plain)
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := raw.NewFleet(s.target(), stream, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer fleet.Close()
	n := len(set.Messages) + 2
	tally, err := fleet.Burst(n)
	if err != nil {
		t.Fatalf("%s, plain %t: %v", set.Name, plain, err)
	}
	if tally.Messages != 2*n {
		t.Errorf("%s, plain %t: %d echoes of %d messages", set.Name, plain, tally.Messages, 2*n)
	}
	if s.mode.Compresses() && set.Size() > 1000 && set.Name != "noise-16k" && tally.Wire > tally.Payload/2 {
		t.Errorf("%s, plain %t: %d bytes on the wire for %d: that is not compressed", set.Name, plain, tally.Wire, tally.Payload)
	}
}

func TestEveryPeerThatBroadcasts(t *testing.T) {
	stream, err := raw.NewStream(payload.Text(128), uncompressed, false)
	if err != nil {
		t.Fatal(err)
	}
	some := 0
	for _, peer := range peers.All() {
		if peer.Broadcast == nil {
			continue
		}
		some++
		s, err := start(&job{peer: peer, mode: uncompressed, kind: kindBroadcast})
		if err != nil {
			t.Fatal(err)
		}
		if cost, err := measureBroadcast(s, stream, 5, time.Millisecond); err != nil || cost.cpu <= 0 {
			t.Errorf("%+v, %v", cost, err)
		}
		s.stop()
	}
	if some < 6 {
		t.Errorf("%d peers", some)
	}
}

func TestWhatAServerDoesNot(t *testing.T) {
	coder, err := peers.Of("coder")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{kindBroadcast, kindHold, "sing"} {
		if _, err := serverOf(coder, uncompressed, kind, time.Second); err == nil {
			t.Errorf("coder does %s", kind)
		}
	}
}

func TestAServerTellsOfItself(t *testing.T) {
	s, err := start(&job{peer: peers.All()[0], mode: raw.Modes[1]})
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for _, collect := range []bool{false, true} {
		if m, err := s.memory(collect); err != nil || m.Heap == 0 || m.Stack == 0 || m.Objects == 0 || m.Bytes == 0 {
			t.Errorf("memory %+v, %v", m, err)
		}
	}
	if d, err := s.cpu(); err != nil || d <= 0 {
		t.Errorf("CPU time %v, %v", d, err)
	}
}

func TestAServerThatCannotStart(t *testing.T) {
	gorilla, err := peers.Of("gorilla")
	if err != nil {
		t.Fatal(err)
	}
	takeover, err := raw.ModeOf("ct12")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := start(&job{peer: gorilla, mode: takeover}); err == nil {
		s.stop()
		t.Error("gorilla with context takeover")
	}
}
