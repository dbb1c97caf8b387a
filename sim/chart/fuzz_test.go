package chart_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// Whatever Check accepts is drawn, within its width and without characters
// that a terminal would obey; whatever it refuses is refused by all.
func FuzzChart(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 2, 1, 1, 2, 0, 3}, uint8(2), "hello\x1b[2J", 80)
	f.Add([]byte{0, 0, 0, 0, 9, 255, 1, 9, 3, 2, 200, 7, 8, 1, 4}, uint8(40), "水\u202e</script>\xff", 0)
	f.Add([]byte{}, uint8(0), "", -1)
	f.Fuzz(func(t *testing.T, script []byte, lanes uint8, text string, limit int) {
		c := fuzzed(script, int(lanes%64), text)
		wrong := c.Check()
		var drawn, page bytes.Buffer
		if err := c.WriteText(&drawn, chart.TextOptions{Width: limit % 500, MaxSteps: limit % 30}); (err == nil) != (wrong == nil) {
			t.Fatalf("WriteText: %v, Check: %v", err, wrong)
		}
		if err := c.WriteHTML(&page); (err == nil) != (wrong == nil) {
			t.Fatalf("WriteHTML: %v, Check: %v", err, wrong)
		}
		if !utf8.Valid(drawn.Bytes()) || !utf8.Valid(page.Bytes()) {
			t.Fatal("not UTF-8")
		}
		if strings.Count(page.String(), "<script") != strings.Count(page.String(), "</script") {
			t.Fatal("a script begins or ends where it should not")
		}
		for _, r := range drawn.String() {
			if r != '\n' && (unicode.Is(unicode.C, r) || r == '\u2028') {
				t.Fatalf("%U is drawn", r)
			}
		}
	})
}

// fuzzed reads five bytes for each step.
func fuzzed(script []byte, lanes int, text string) *chart.Chart {
	c := &chart.Chart{Title: text, Violation: text, Lanes: make([]chart.Lane, lanes), Choices: []string{text}, Facts: []chart.Fact{{Name: text}}}
	for i := range c.Lanes {
		c.Lanes[i].Name = text
	}
	at := time.Duration(0)
	for ; len(script) >= 5; script = script[5:] {
		at += time.Duration(script[0]) * time.Duration(script[0]) * 100_000 * 1001
		step := chart.Step{At: at, Lane: int(script[1]%66) - 1, Kind: chart.Kind(script[2] % 10), To: int(script[3] % 64), Text: text, State: text}
		step.Arrival = at + time.Duration(script[4])*10*time.Millisecond - time.Nanosecond
		step.Until = step.Arrival
		if script[4]%3 == 0 {
			step.Timers = []chart.Timer{{Name: text, At: step.Arrival}}
		}
		c.Steps = append(c.Steps, step)
	}
	return c
}
