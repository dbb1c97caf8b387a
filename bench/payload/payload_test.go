package payload

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// The replies of a server are known to repeat because a lap fills any window.
func TestEveryCycleIsLongerThanAWindow(t *testing.T) {
	for _, s := range Sets() {
		if total := s.Size() * len(s.Messages); total < 33<<10 {
			t.Errorf("%s: %d bytes a lap", s.Name, total)
		}
	}
}

func TestMessagesAreWhatTheyAreCalled(t *testing.T) {
	sizes := map[string]int{"json-150": 150, "json-1k": 1 << 10, "json-16k": 16 << 10, "text-1m": 1 << 20, "noise-16k": 16 << 10}
	again := Sets()
	for i, s := range Sets() {
		want := sizes[s.Name]
		if got := s.Size(); got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: %d bytes a message; want about %d", s.Name, got, want)
		}
		for k, p := range s.Messages {
			if !bytes.Equal(p, again[i].Messages[k]) {
				t.Errorf("%s: message %d is another one each time", s.Name, k)
			}
			if strings.HasPrefix(s.Name, "json") && !json.Valid(p) {
				t.Errorf("%s: message %d is no JSON: %.200s", s.Name, k, p)
			}
		}
	}
}

func TestSizesAreExact(t *testing.T) {
	for _, n := range []int{16, 128, 1 << 10, 256 << 10, 16 << 20} {
		for _, s := range []*Set{Binary(n), Text(n), Foreign(n)} {
			for k, p := range s.Messages {
				if len(p) != n || s.Text != (s.Name != "binary") {
					t.Errorf("%s: message %d has %d bytes, want %d; text %t", s.Name, k, len(p), n, s.Text)
				}
				if s.Text && !utf8.Valid(p) {
					t.Errorf("%s: message %d of %d bytes is no UTF-8", s.Name, k, n)
				}
			}
			if (n <= 1<<10) != (len(s.Messages) == 64) {
				t.Errorf("%s: %d messages of %d bytes", s.Name, len(s.Messages), n)
			}
		}
	}
	foreign := 0
	for _, b := range Foreign(1 << 10).Messages[0] {
		if b >= utf8.RuneSelf {
			foreign++
		}
	}
	if foreign < 700 {
		t.Errorf("%d of 1024 bytes are not ASCII", foreign)
	}
}
