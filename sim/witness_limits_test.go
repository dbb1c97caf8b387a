package sim

import (
	"testing"

	"github.com/fb1e3c20/websockets/core"
)

// The defaults that the documentation tells are those of the core.
func TestLimitsAreThoseOfTheCore(t *testing.T) {
	for name, cfg := range map[string]core.Config{
		"zero": {},
		"off": {PingInterval: -1, PongTimeout: -1, CloseTimeout: -1, ConnectionTimeout: -1, HandshakeTimeout: -1,
			MaxFrameSize: -1, MaxMessageSize: -1, MaxFragments: -1, MaxControlRate: -1},
		"set": {PingInterval: 1, PongTimeout: 2, CloseTimeout: 3, ConnectionTimeout: 4, HandshakeTimeout: 5,
			MaxFrameSize: 6, MaxMessageSize: 7, MaxFragments: 8, MaxControlRate: 9, MaxHeadBytes: 10, MaxHeadLines: 11},
		"large messages": {MaxMessageSize: 5 << 20},
		"small messages": {MaxMessageSize: 5},
	} {
		set, err := core.NewSettings(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range []core.Role{core.Server, core.Client} {
			got, want := limitsOf(cfg, role), limitsOf(set.Config(), role)
			if got != want {
				t.Errorf("%s, %s: %+v, want %+v", name, role, got, want)
			}
		}
	}
}
