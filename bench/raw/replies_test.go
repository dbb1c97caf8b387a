package raw

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
)

func text(messages ...string) *payload.Set {
	set := &payload.Set{Name: "test", Text: true}
	for _, m := range messages {
		set.Messages = append(set.Messages, []byte(m))
	}
	return set
}

// deflated compresses messages one after the other, as a server with such a window.
func deflated(t *testing.T, bits uint8, list ...[]byte) (compressed [][]byte) {
	t.Helper()
	c, err := compress.New(bits, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := deflate.MakeWindow(make([]byte, 1<<bits))
	for _, p := range list {
		compressed = append(compressed, c.Append(nil, &w, p, true))
	}
	return compressed
}

func TestRepliesAreChecked(t *testing.T) {
	set := text(strings.Repeat("hello, ", 20), strings.Repeat("hello, ", 19)+"nobody ")
	first := deflated(t, 12, set.Messages[0])[0]
	nct, off := Mode{"nct", false, 15}, Mode{"off", false, 0}
	for _, test := range []struct {
		name  string
		mode  Mode
		reply Reply
		good  bool
	}{
		{"compressed", nct, Reply{Payload: first, Compressed: true, Text: true}, true},
		{"of the other type", nct, Reply{Payload: first, Compressed: true}, false},
		{"not compressed", nct, Reply{Payload: set.Messages[0], Text: true}, false},
		{"the end is missing", nct, Reply{Payload: first[:len(first)-2], Compressed: true, Text: true}, false},
		{"another message", nct, Reply{Payload: deflated(t, 12, set.Messages[1])[0], Compressed: true, Text: true}, false},
		{"not compressed, with takeover", Mode{"ct12", true, 12}, Reply{Payload: set.Messages[0], Text: true}, false},
		{"plain", off, Reply{Payload: set.Messages[0], Text: true}, true},
		{"another one, plain", off, Reply{Payload: set.Messages[1], Text: true}, false},
		{"compressed although nothing is", off, Reply{Payload: first, Compressed: true, Text: true}, false},
	} {
		r := newReplies(set, test.mode)
		for range 2 {
			if err := r.check(0, test.reply); (err == nil) != test.good {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

// Without takeover, what compression hardly makes shorter may come as it is.
func TestRepliesThatAreHardToCompress(t *testing.T) {
	noise := payload.Noise(1, 300)
	set := &payload.Set{Name: "test", Messages: [][]byte{noise}}
	for mode, good := range map[Mode]bool{{"nct", false, 15}: true, {"ct12", true, 12}: false} {
		if err := newReplies(set, mode).check(0, Reply{Payload: noise}); (err == nil) != good {
			t.Errorf("%s: %v", mode.Name, err)
		}
	}
}

// A reply may refer to what was sent before on its connection, as far as the window
// goes, and to nothing else.
func TestRepliesReferToTheWindow(t *testing.T) {
	lap := [][]byte{payload.Noise(1, 300), payload.Noise(2, 6000), payload.Noise(1, 300), payload.Noise(2, 300)}
	set := &payload.Set{Name: "test", Messages: lap}
	twice := append(append([][]byte{}, lap...), lap...)
	for _, test := range []struct {
		name         string
		server, mode uint8
		takeover     bool
		good         bool
	}{
		{"the window that was agreed on", 12, 12, true, true},
		{"a smaller one", 10, 12, true, true},
		{"a larger one", 15, 12, true, false},
		{"any, without takeover", 15, 15, false, false},
	} {
		r := newReplies(set, Mode{"test", test.takeover, int(test.mode)})
		var err error
		for i, p := range deflated(t, test.server, twice...) {
			if err == nil {
				err = r.check(i, Reply{Payload: p, Compressed: true})
			}
		}
		if (err == nil) != test.good {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestHistory(t *testing.T) {
	r := newReplies(text("ab", "cd", "ef"), Mode{"test", true, 2})
	for _, test := range []struct {
		at   position
		want string
	}{
		{position{false, 0}, ""},
		{position{false, 1}, "ab"},
		{position{false, 2}, "abcd"},
		{position{true, 0}, "cdef"},
		{position{true, 1}, "efab"},
	} {
		if got := r.history(test.at); !bytes.Equal(got, []byte(test.want)) {
			t.Errorf("%+v: %q; want %q", test.at, got, test.want)
		}
	}
}
