package frame

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func allErrors() (all []Error) {
	for e := ErrReservedBits; e <= ErrReasonTooLong; e++ {
		all = append(all, e)
	}
	return all
}

func TestErrorTexts(t *testing.T) {
	seen := map[string]Error{}
	for _, e := range allErrors() {
		text := e.Error()
		if rest, ok := strings.CutPrefix(text, "websocket: "); !ok || rest == "" {
			t.Errorf("error %d: text %q", e, text)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("errors %d and %d have the same text %q", other, e, text)
		}
		seen[text] = e
	}
	for _, e := range []Error{0, ErrReasonTooLong + 1, 255} {
		if got := e.Error(); got != "websocket: unknown frame error" {
			t.Errorf("error %d: text %q", e, got)
		}
	}
}

func TestErrorCloseCode(t *testing.T) {
	for _, e := range allErrors() {
		want := ProtocolError
		switch e {
		case ErrCloseReason, ErrInvalidUTF8:
			want = InvalidData
		case ErrReasonTooLong:
			want = 0
		}
		if got := e.CloseCode(); got != want {
			t.Errorf("%v: close code %v, want %v", e, got, want)
		}
	}
	if got := Error(0).CloseCode(); got != 0 {
		t.Errorf("no error: close code %v, want 0", got)
	}
}

func TestErrorIsComparable(t *testing.T) {
	err := fmt.Errorf("reading: %w", ErrOpcode)
	if !errors.Is(err, ErrOpcode) || errors.Is(err, ErrReservedBits) {
		t.Error("errors.Is does not tell the errors apart")
	}
	var e Error
	if !errors.As(err, &e) || e != ErrOpcode {
		t.Errorf("errors.As found %v", e)
	}
}

var errSink error

func TestErrorAllocatesNothing(t *testing.T) {
	e := Error(1)
	allocs := testing.AllocsPerRun(100, func() {
		errSink = e
		e = e%ErrReasonTooLong + 1
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
