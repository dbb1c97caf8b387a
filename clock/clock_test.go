package clock_test

import (
	"math"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

const (
	shortest time.Duration = math.MinInt64
	longest  time.Duration = math.MaxInt64
)

func TestAdd(t *testing.T) {
	for _, test := range []struct {
		t    clock.Time
		d    time.Duration
		want clock.Time
	}{
		{0, 0, 0},
		{5, 3, 8},
		{5, -8, -3},
		{0, time.Second, 1_000_000_000},
		{clock.Latest, 0, clock.Latest},
		{clock.Latest, 1, clock.Latest},
		{clock.Latest, longest, clock.Latest},
		{clock.Latest - 1, 1, clock.Latest},
		{clock.Latest - 1, 2, clock.Latest},
		{1, longest, clock.Latest},
		{0, longest, clock.Latest},
		{-1, longest, clock.Latest - 1},
		{clock.Latest, -1, clock.Latest - 1},
		{clock.Latest, shortest, -1},
		{clock.Earliest, 0, clock.Earliest},
		{clock.Earliest, -1, clock.Earliest},
		{clock.Earliest, shortest, clock.Earliest},
		{clock.Earliest + 1, -2, clock.Earliest},
		{-1, shortest, clock.Earliest},
		{0, shortest, clock.Earliest},
		{1, shortest, clock.Earliest + 1},
		{clock.Earliest, longest, -1},
	} {
		if got := test.t.Add(test.d); got != test.want {
			t.Errorf("Time(%d).Add(%d) = %d, want %d", test.t, test.d, got, test.want)
		}
	}
}

func TestSub(t *testing.T) {
	for _, test := range []struct {
		t, u clock.Time
		want time.Duration
	}{
		{0, 0, 0},
		{8, 5, 3},
		{5, 8, -3},
		{clock.Latest, clock.Latest, 0},
		{clock.Latest, 0, longest},
		{clock.Latest, 1, longest - 1},
		{clock.Latest, -1, longest},
		{clock.Latest, clock.Earliest, longest},
		{0, clock.Earliest, longest},
		{-1, clock.Earliest, longest},
		{-2, clock.Earliest, longest - 1},
		{clock.Earliest, clock.Earliest, 0},
		{clock.Earliest, 0, shortest},
		{clock.Earliest, -1, shortest + 1},
		{clock.Earliest, 1, shortest},
		{clock.Earliest, clock.Latest, shortest},
		{-1, clock.Latest, shortest},
		{-2, clock.Latest, shortest},
	} {
		if got := test.t.Sub(test.u); got != test.want {
			t.Errorf("Time(%d).Sub(%d) = %d, want %d", test.t, test.u, got, test.want)
		}
	}
}

func TestBefore(t *testing.T) {
	order := []clock.Time{clock.Earliest, -1, 0, 1, clock.Latest}
	for i, a := range order {
		for j, b := range order {
			if got := a.Before(b); got != (i < j) {
				t.Errorf("Time(%d).Before(%d) = %v", a, b, got)
			}
		}
	}
}
