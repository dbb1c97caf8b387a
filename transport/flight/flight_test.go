package flight_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// lives are the kinds of connections that the tests record.
func lives(t *testing.T, test func(t *testing.T, b flight.Birth)) {
	for _, role := range []core.Role{core.Server, core.Client} {
		for _, open := range []bool{false, true} {
			name := role.String() + " with handshake"
			if open {
				name = role.String() + " open"
			}
			t.Run(name, func(t *testing.T) {
				b := flight.Birth{Role: role, Open: open}
				if role == core.Client {
					b.Request = core.RequestOptions{Host: "sesame.example", Target: "/secret", Subprotocols: []string{"chat", "sesame.v1"}}
				}
				test(t, b)
			})
		}
	}
}

func config(seed uint64) core.Config {
	c := core.Config{Pings: core.PingPolicy(seed % 3), Entropy: rand.New(rand.NewPCG(seed, 9)).Uint32}
	if seed%4 == 0 {
		c.MaxMessageSize, c.MaxControlRate, c.MaxFragments = 2000, 5, 3
	}
	return c
}

// A recorded machine behaves as one that is not, and its recording replays bit
// for bit, redacted or not, dropped in part or not.
func TestRandomLives(t *testing.T) {
	const calls = 400
	dropped, survivors := 0, 0
	var all strings.Builder
	lives(t, func(t *testing.T, b flight.Birth) {
		for seed := range uint64(15) {
			var plain string
			for _, o := range []flight.Options{{}, {Limit: 1}, {Redact: true}, {Redact: true, Limit: 1}} {
				b.Settings = settings(t, config(seed))
				f := record(t, b, o)
				l := life{seed: seed, m: f, role: b.Role}
				seen := l.run(calls, b.Open)
				r, steps := replays(t, f)
				if r.Stopped != "" {
					t.Fatalf("seed %d, %+v: stopped: %s\nafter %q", seed, o, r.Stopped, steps[max(0, len(steps)-5):])
				}
				all.WriteString(strings.Join(steps, "\n"))
				if r.Dropped {
					dropped++
				}
				if f.Err() == nil {
					survivors++
				}
				if plain == "" {
					b.Settings = settings(t, config(seed))
					l := life{seed: seed, m: plainly(t, b), role: b.Role}
					plain = l.run(calls, b.Open)
				}
				if seen != plain {
					t.Fatalf("seed %d, %+v: the recorded machine behaves in another way", seed, o)
				}
				if file := string(f.AppendRecording(nil, "")); o.Redact && (strings.Contains(file, "secret") || strings.Contains(file, "sesame")) {
					t.Fatalf("seed %d: the recording has a secret", seed)
				}
			}
		}
	})
	for _, mark := range []string{
		"event: message text, first, last", "event: message binary, first", "event: ping", "event: pong, first, last", "event: close", "event: failed",
		", discarded", "AppendFragment text", "; refused: ", "Wrote", "Lost", "gap", "checkpoint",
	} {
		if !strings.Contains(all.String(), mark) {
			t.Errorf("no life has %q", mark)
		}
	}
	if dropped < 5 || survivors < 5 {
		t.Errorf("%d recordings reached their limit, and %d connections did not fail", dropped, survivors)
	}
}

// plainly returns a machine that is not recorded.
func plainly(t testing.TB, b flight.Birth) transport.Machine {
	t.Helper()
	m, err := b.Machine()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
