package chart_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/sim/chart"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata anew")

func TestText(t *testing.T) {
	for _, test := range []struct {
		name    string
		chart   *chart.Chart
		options chart.TextOptions
	}{
		{"half-open", halfOpen(), chart.TextOptions{}},
		{"half-open-ascii-80", halfOpen(), chart.TextOptions{ASCII: true, Width: 80}},
		{"long", many(400, 2), chart.TextOptions{MaxSteps: 40}},
		{"seven-lanes", many(40, 7), chart.TextOptions{}},
		{"thirty-lanes", many(40, 30), chart.TextOptions{}},
		{"hostile", hostile(), chart.TextOptions{}},
		{"crossing-closes", short(), chart.TextOptions{}},
		{"empty", &chart.Chart{}, chart.TextOptions{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := test.chart.WriteText(&got, test.options); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", test.name+".txt"), got.Bytes())
		})
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s (run with -rewrite to accept it):\n%s", file, got)
	}
}

// hostile has in every text what a terminal or a page must not be given.
func hostile() *chart.Chart {
	const evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\x1b]0;owned\x07\u202e\xff\xfe'\"`${alert(1)}-->\u2028"
	return &chart.Chart{
		Title: evil, Violation: evil, Choices: []string{evil},
		Facts: []chart.Fact{{Name: evil, Value: evil}},
		Lanes: []chart.Lane{{Name: evil, About: evil}, {Name: "b"}},
		Steps: []chart.Step{
			{Lane: 0, Kind: chart.Send, To: 1, Arrival: 1, Text: evil, Bytes: []byte(evil), State: evil, Timers: timers(timer(evil, 9))},
			{Lane: chart.World, Kind: chart.Fault, Text: evil},
			{Lane: 1, Kind: chart.Violation, Text: evil, At: 2},
		},
	}
}

func TestTextIsSafeForATerminal(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		var got bytes.Buffer
		if err := hostile().WriteText(&got, chart.TextOptions{ASCII: ascii}); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(got.Bytes()) {
			t.Error("not UTF-8")
		}
		for _, r := range got.String() {
			if r != '\n' && (r < ' ' || r == 0x7f || r == '\u202e' || r == '\u2028' || ascii && r > 0x7e) {
				t.Errorf("ascii %t: %U is in it", ascii, r)
			}
		}
	}
}

func TestTextKeepsItsWidth(t *testing.T) {
	long := halfOpen()
	long.Title, long.Violation = strings.Repeat("word 水", 60), strings.Repeat("x", 500)
	long.Steps[0].Text = strings.Repeat("水", 300)
	long.Lanes[1].Name = strings.Repeat("room", 50)
	for _, c := range []*chart.Chart{long, hostile(), many(300, 2), many(100, 7), many(100, 30)} {
		for _, limit := range []int{60, 80, 120, 200} {
			var got bytes.Buffer
			if err := c.WriteText(&got, chart.TextOptions{Width: limit}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(got.String()) {
				if n := columns(strings.TrimSuffix(line, "\n")); n > limit {
					t.Errorf("%d columns, want at most %d: %s", n, limit, line)
				}
			}
		}
	}
}

// columns counts roughly, and by other means than the package does.
func columns(s string) int {
	n := utf8.RuneCountInString(s)
	return n + strings.Count(s, "水") + strings.Count(s, "👋")
}

func TestTextIsExact(t *testing.T) {
	c := &chart.Chart{Lanes: make([]chart.Lane, 2), Steps: []chart.Step{
		{At: 1, Text: "one"}, {At: 58*s + 1, Text: "two"}, {At: 100 * 24 * time.Hour, Text: "three"},
	}}
	var got bytes.Buffer
	if err := c.WriteText(&got, chart.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n      0.000000001 ", "\n     58.000000001 ", "\n8640000 "} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q is missing:\n%s", want, got.String())
		}
	}
}

func TestTextElides(t *testing.T) {
	c := &chart.Chart{Lanes: make([]chart.Lane, 2)}
	for i := range 1000 {
		step := chart.Step{At: time.Duration(i), Text: "ordinary"}
		switch i {
		case 500:
			step.Kind, step.Text = chart.Fault, "the cause"
		case 800:
			step.Kind, step.Text = chart.Violation, "the effect"
		}
		c.Steps = append(c.Steps, step)
	}
	draw := func(n int) string {
		var got strings.Builder
		if err := c.WriteText(&got, chart.TextOptions{MaxSteps: n}); err != nil {
			t.Fatal(err)
		}
		return got.String()
	}
	if got := strings.Count(draw(-1), "ordinary"); got != 998 {
		t.Errorf("all: %d steps are shown, want 998", got)
	}
	got := draw(50)
	for _, want := range []string{"the cause", "the effect", "… 490 steps …", "… 194 steps …"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	if n := strings.Count(got, "ordinary"); n > 48 {
		t.Errorf("%d ordinary steps are shown, want at most 48", n)
	}
	for n := range 30 {
		draw(n)
	}
}

// However many faults there are, no more is shown than was asked for, and each
// part tells its time.
func TestTextElidesFaults(t *testing.T) {
	c := &chart.Chart{Lanes: make([]chart.Lane, 2)}
	for i := range 1000 {
		kind := chart.Note
		if i%3 == 0 {
			kind = chart.Fault
		}
		c.Steps = append(c.Steps, chart.Step{At: 7, Kind: kind, Text: "a step"})
	}
	for _, n := range []int{1, 2, 5, 20, 50, 120} {
		var got strings.Builder
		if err := c.WriteText(&got, chart.TextOptions{MaxSteps: n}); err != nil {
			t.Fatal(err)
		}
		if shown := strings.Count(got.String(), "a step"); shown > n || shown < n-n/5 {
			t.Errorf("of at most %d steps: %d are shown", n, shown)
		}
		parts := 0 // of lines that follow one another
		elided := true
		for line := range strings.Lines(got.String()) {
			if strings.Contains(line, "a step") && elided {
				parts++
			}
			elided = !strings.Contains(line, "a step")
		}
		if times := strings.Count(got.String(), "0.000000007"); times != parts {
			t.Errorf("of at most %d steps: %d times in %d parts:\n%s", n, times, parts, got.String())
		}
	}
}

func TestTextElidesChoices(t *testing.T) {
	c := &chart.Chart{}
	for range 1000 {
		c.Choices = append(c.Choices, "a choice")
	}
	for n, want := range map[int]int{0: 30, 8: 2, 1: 1, -1: 1000} {
		var got strings.Builder
		if err := c.WriteText(&got, chart.TextOptions{MaxSteps: n}); err != nil {
			t.Fatal(err)
		}
		if shown := strings.Count(got.String(), "a choice"); shown != want {
			t.Errorf("of at most %d steps: %d choices, want %d", n, shown, want)
		}
		if strings.Contains(got.String(), "… and ") != (want < 1000) {
			t.Errorf("of at most %d steps: the others are not counted, or nothing is:\n%s", n, got.String())
		}
	}
}

// With every kind of meeting of sends and what they bring about.
func TestTextLeadsArrowsToTheirEnds(t *testing.T) {
	c := &chart.Chart{
		Lanes: []chart.Lane{{Name: "a"}, {Name: "b"}, {Name: "c"}},
		Steps: []chart.Step{
			{At: 1 * s, Lane: 0, Kind: chart.Send, To: 1, Arrival: 1 * s, Text: "at once"},
			{At: 1 * s, Lane: 1, Kind: chart.Event, Text: "at once"},
			{At: 1 * s, Lane: 0, Kind: chart.Send, To: 2, Arrival: 1*s + 5*ms, Text: "slow"},
			{At: 1 * s, Lane: 0, Kind: chart.Send, To: 2, Arrival: 1*s + 5*ms, Text: "slow, too"},
			{At: 1 * s, Lane: 2, Kind: chart.Send, To: 0, Arrival: 1 * s, Text: "overtaken"},
			{At: 1 * s, Lane: 1, Kind: chart.Call, Text: "between"},
			{At: 1 * s, Lane: 0, Kind: chart.Event, Text: "overtaken"},
			{At: 1*s + 1*ms, Lane: 1, Kind: chart.Send, To: 0, Arrival: 1*s + 2*ms, Text: "unheard"},
			{At: 1*s + 1*ms, Lane: 1, Kind: chart.Note, Text: "between"},
			{At: 1*s + 2*ms, Lane: 1, Kind: chart.Note, Text: "of the instant of an arrival"},
			{At: 1*s + 5*ms, Lane: 2, Kind: chart.Receive, Text: "both"},
			{At: 1*s + 5*ms, Lane: 2, Kind: chart.Event, Text: "slow"},
			{At: 1*s + 5*ms, Lane: 2, Kind: chart.Send, To: 0, Arrival: 9 * s, Text: "after the end"},
			{At: 1*s + 6*ms, Lane: 2, Kind: chart.Send, To: 1, Arrival: 9*s + 1, Text: "after the end, too"},
		},
	}
	var got bytes.Buffer
	if err := c.WriteText(&got, chart.TextOptions{Width: 100}); err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join("testdata", "arrows.txt"), got.Bytes())
}

func TestTextReportsErrors(t *testing.T) {
	bad := &chart.Chart{Steps: []chart.Step{{Lane: 7}}}
	if err := bad.WriteText(&bytes.Buffer{}, chart.TextOptions{}); err == nil {
		t.Error("a chart with a lane too high is drawn")
	}
	if err := halfOpen().WriteText(brokenWriter{}, chart.TextOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }
