package payload

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
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
