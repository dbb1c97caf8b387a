package chart

import (
	"math"
	"testing"
	"time"
)

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                      "0",
		1:                      "0.000000001",
		time.Microsecond:       "0.000001",
		58 * time.Second:       "58",
		100 * time.Second:      "100",
		58*time.Second + 250e6: "58.250",
		58*time.Second + 1:     "58.000000001",
		time.Hour + 10e3:       "3600.000010",
		-1500 * 1e6:            "-1.500",
		math.MaxInt64:          "9223372036.854775807",
		math.MinInt64:          "-9223372036.854775808",
	} {
		if got := seconds(d); got != want {
			t.Errorf("%d ns: got %s, want %s", int64(d), got, want)
		}
	}
}
