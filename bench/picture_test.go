package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drawn is a picture, which is well-formed and has no number that is none.
func drawn(t *testing.T, what picture) string {
	t.Helper()
	var s svg
	what.draw(&s)
	text := string(s.bytes())
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s in:\n%s", bad, text)
		}
	}
	return text
}

func TestBars(t *testing.T) {
	text := drawn(t, barsOf("A < B", []*result{
		costsOf("first", map[string][]int{"websockets": {50}, "gws": {100}, "rawtcp": {25}}),
		costsOf("nothing", map[string][]int{"gws": {0}}),
	}))
	for _, want := range []string{"A &lt; B", "first", "nothing", `width="250.0" height="14" class="ours"`, `width="500.0" height="14" class="other"`, `width="125.0" height="14" class="floor"`, ">100<", "prefers-color-scheme:dark"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Index(text, ">rawtcp<") > strings.Index(text, ">gws<") {
		t.Error("the cheapest is not first")
	}
}

func TestLines(t *testing.T) {
	l := &lines{title: "growth", up: "us", across: "members",
		at:     []point{{1, "one"}, {10, "ten"}, {100, "hundred"}},
		curves: []curve{{"gws", hueOf("gws"), []float64{1, 10, 100}}, {"websockets", hueOf("websockets"), []float64{1, 0, 99}}}}
	text := drawn(t, l)
	for _, want := range []string{"growth", "one", "hundred", "members", `d="M60.0 184.0L310.0 124.0L560.0 64.0"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	drawn(t, &lines{at: []point{{1, "alone"}}, curves: []curve{{"gws", hueOf("gws"), []float64{5}}}})
}

func TestPicturesGoToFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	p := &plan{}
	if err := p.draw("x", &bars{}); err != nil {
		t.Error(err)
	}
	p.pictures = dir
	if err := p.draw("x", &bars{title: "here"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "x.svg")); err != nil || !strings.Contains(string(text), "here") {
		t.Errorf("%s, %v", text, err)
	}
}
