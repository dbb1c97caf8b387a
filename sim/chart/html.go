package chart

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// The page is one file: its parts are put together here, once.
var (
	pageTemplate = template.Must(template.ParseFS(pageFiles, "page/page.html"))
	pageStyle    = pagePart("page.css")
	pageScript   = `"use strict";` + "\n" + pagePart("model.js", "axis.js", "layout.js", "draw.js", "overview.js", "details.js", "page.js")

	// pagePolicy keeps the page from loading anything and from running any
	// script but its own, whatever a chart contains.
	pagePolicy = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'" +
		"; style-src " + policyHash(pageStyle) + "; script-src " + policyHash(pageScript)
)

func pagePart(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		content, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			panic(err) // the file is embedded above
		}
		b.Write(content)
	}
	return b.String()
}

func policyHash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// WriteHTML draws the chart as a page of its own, that needs no network and
// opens from a file: the sequence chart with the states and timers of each lane,
// to zoom, filter and walk through step by step.
//
// A page holds the bytes of all steps in base64, their texts, and some 150
// bytes for each of them: whoever makes a chart cuts what is long.
//
// It returns the error of [Chart.Check] before writing anything, and the first
// error of w.
func (c *Chart) WriteHTML(w io.Writer) error {
	if err := c.Check(); err != nil {
		return err
	}
	var page bytes.Buffer // so that a page is never half written by a fault of ours
	err := pageTemplate.Execute(&page, map[string]any{
		"Policy": pagePolicy,
		"Style":  template.CSS(pageStyle),
		"Script": template.JS(pageScript),
		"Data":   c.data(),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(page.Bytes())
	return err
}

// pageData is a Chart as the page reads it. Its texts are visible ones, and
// its times strings: a number of JavaScript is exact for 104 days only.
type pageData struct {
	Title     string     `json:"title"`
	Facts     []Fact     `json:"facts"`
	Lanes     []Lane     `json:"lanes"`
	Kinds     []string   `json:"kinds"`
	Steps     []pageStep `json:"steps"`
	Choices   []string   `json:"choices"`
	Violation string     `json:"violation"`
	Verdict   string     `json:"verdict"`
}

type pageStep struct {
	At      string      `json:"at"`
	Lane    int         `json:"lane"`
	Kind    Kind        `json:"kind"`
	Text    string      `json:"text"`
	Bytes   []byte      `json:"bytes,omitempty"`
	To      *int        `json:"to,omitempty"`      // of a Send
	Arrival string      `json:"arrival,omitempty"` // "" when lost
	Receive *int        `json:"receive,omitempty"` // the step in which a Send ended
	Until   string      `json:"until,omitempty"`
	State   string      `json:"state,omitempty"`
	Timers  []pageTimer `json:"timers,omitzero"`
}

type pageTimer struct {
	Name string `json:"name"`
	At   string `json:"at"`
}

func (c *Chart) data() *pageData {
	d := &pageData{
		Title: visible(c.Title), Violation: visibleLines(c.Violation), Verdict: visible(c.verdict()),
		Kinds: kindNames[:], Steps: make([]pageStep, len(c.Steps)), Lanes: []Lane{}, Facts: []Fact{}, Choices: []string{},
	}
	for _, f := range c.Facts {
		d.Facts = append(d.Facts, Fact{visible(f.Name), visible(f.Value)})
	}
	for _, l := range c.Lanes {
		d.Lanes = append(d.Lanes, Lane{visible(l.Name), visible(l.About)})
	}
	for _, choice := range c.Choices {
		d.Choices = append(d.Choices, visibleLines(choice))
	}
	for i, receive := range c.received() {
		d.Steps[i] = c.Steps[i].data(receive)
	}
	return d
}

func (c *Chart) verdict() string {
	switch {
	case c.Verdict != "":
		return c.Verdict
	case c.Violation != "":
		return "violated"
	}
	return "passed"
}

func (s *Step) data(receive int) pageStep {
	d := pageStep{At: nanoseconds(s.At), Lane: s.Lane, Kind: s.Kind, Text: visible(s.Text), Bytes: s.Bytes, State: visible(s.State)}
	if s.Kind == Send {
		d.To = &s.To
		if s.Arrival >= 0 {
			d.Arrival = nanoseconds(s.Arrival)
		}
		if receive >= 0 {
			d.Receive = &receive
		}
	}
	if s.Kind == Fault && s.Until > s.At {
		d.Until = nanoseconds(s.Until)
	}
	if s.Timers != nil {
		d.Timers = make([]pageTimer, len(s.Timers))
	}
	for i, timer := range s.Timers {
		d.Timers[i] = pageTimer{visible(timer.Name), nanoseconds(timer.At)}
	}
	return d
}

func nanoseconds(d time.Duration) string { return strconv.FormatInt(int64(d), 10) }

// visibleLines keeps line breaks.
func visibleLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	return strings.Join(lines, "\n")
}
