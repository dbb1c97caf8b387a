package quicconn

import (
	"testing"
	"time"
)

func TestAConnectionThatSaysNothingIsDoubted(t *testing.T) {
	var p Pulse
	start := time.Unix(1, 0)
	for _, test := range []struct {
		after   time.Duration
		packets uint64
		want    bool
	}{
		{0, 5, true},                       // the first request
		{2 * time.Second, 7, true},         // it was answered
		{2500 * time.Millisecond, 7, true}, // not yet a second
		{3 * time.Second, 7, false},        // nothing has come since
		{time.Hour, 7, false},
		{time.Hour, 8, true}, // it lives
	} {
		if got := p.beats(test.packets, start.Add(test.after)); got != test.want {
			t.Errorf("after %v, %d packets: %t; want %t", test.after, test.packets, got, test.want)
		}
	}
}
