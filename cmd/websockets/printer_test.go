package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets"
)

func TestPrinter(t *testing.T) {
	deep := strings.Repeat("[", maxNesting+1) + "1\n" + strings.Repeat("]", maxNesting+1)
	compact := strings.ReplaceAll(deep, "\n", "")
	for _, c := range []struct {
		name    string
		printer printer
		typ     websockets.MessageType
		message string
		want    string
	}{
		{"text", printer{}, websockets.Text, "a\tb\r", "a\tb\r"},
		{"nothing", printer{}, websockets.Text, "", ""},
		{"lines", printer{}, websockets.Text, "a\nb\\n\n", `a\nb\n\n`},
		{"lines of JSON", printer{}, websockets.Text, "{\n \"a\": 1.50,\r\n\t\"a\": \"x y\\n\"}\n", `{"a":1.50,"a":"x y\n"}`},
		{"lines that are no JSON", printer{}, websockets.Text, "{\n", `{\n`},
		{"lines of deep JSON", printer{}, websockets.Text, deep, compact},
		{"lines of deep JSON, indented", printer{indented: true}, websockets.Text, deep, compact},
		{"lines of deep JSON, marked", printer{indented: true, marked: true}, websockets.Text, deep, "< " + compact},
		{"a number", printer{indented: true, colored: true}, websockets.Text, "12", "12"},
		{"binary", printer{indented: true, colored: true}, websockets.Binary, "{}\n", "7b7d0a"},
		{"binary, marked", printer{marked: true}, websockets.Binary, "{}\n", "< 7b7d0a"},
		{"raw text", printer{raw: true, indented: true, colored: true, marked: true}, websockets.Text, "[1,\n2]\x1b", "[1,\n2]\x1b"},
		{"raw binary", printer{raw: true, marked: true}, websockets.Binary, "\xff\n", "\xff\n"},
		{"text, marked", printer{marked: true}, websockets.Text, "a\nb\x1b\u0085", "< a\n  b\\x1b\\u0085"},
		{"not UTF-8, marked", printer{marked: true}, websockets.Text, "a\x9b2J\xe2\x82\uFFFD", "< a\\x9b2J\\xe2\\x82\uFFFD"},
		{"JSON, marked", printer{marked: true}, websockets.Text, "[ 1]", "< [ 1]"},
		{"indented", printer{indented: true}, websockets.Text, `{"a":{},"b":[],"c":[{"d":1}]}`, "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    {\n      \"d\": 1\n    }\n  ]\n}"},
		{"indented, too deep", printer{indented: true}, websockets.Text, strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat("[", 65) + strings.Repeat("]", 65)},
		{"quoted brackets", printer{indented: true}, websockets.Text, `["` + strings.Repeat("[", 65) + `\""]`, `["` + strings.Repeat("[", 65) + `\""]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.printer.line(c.typ, []byte(c.message))); got != c.want+"\n" {
				t.Errorf("got %q, want %q", got, c.want+"\n")
			}
		})
	}
}

// Hostile nesting is printed in memory and time that grow with the message.
func TestPrinterTakesHostileNesting(t *testing.T) {
	for _, depth := range []int{maxNesting, maxNesting + 1, 9_999, 500_000} {
		message := strings.Repeat("[", depth) + "\n" + strings.Repeat("]", depth)
		for _, p := range []printer{{}, {indented: true}, {indented: true, colored: true, marked: true}} {
			if line := p.line(websockets.Text, []byte(message)); len(line) > 100*len(message) {
				t.Errorf("%+v: %d bytes nested %d deep have become %d", p, len(message), depth, len(line))
			}
		}
	}
}

// What others say cannot pass for a line of ours.
func TestNote(t *testing.T) {
	var got bytes.Buffer
	note(&got, "refused (%s)\n%s", "403 no\x9b31m", "go\nclosed: 1000\x1b")
	if want := "refused (403 no\\x9b31m)\n  go\n  closed: 1000\\x1b\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

var colour = regexp.MustCompile("\x1b\\[[0-9]+m")

// Whatever the message is: in a pipe it takes one line, and what was JSON stays
// the same JSON; a terminal gets no control character of it; and colours only
// add.
func FuzzPrinter(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "{\"a\":\n[1,-2e5,\"\\\\\\\"\"]}", "\x1b[2J\u009b\u202e", `{"\u00e4\\":null,"b":true}`, "[\"\x7f\"]", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		print := func(p printer) string {
			return string(p.line(websockets.Text, []byte(strings.Clone(message))))
		}
		line := print(printer{})
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("not one line: %q", line)
		}
		if isJSON([]byte(message)) {
			var was, is bytes.Buffer
			json.Compact(&was, []byte(message))
			for _, p := range []printer{{}, {indented: true}, {indented: true, colored: true}} {
				is.Reset()
				if err := json.Compact(&is, []byte(colour.ReplaceAllString(print(p), ""))); err != nil || is.String() != was.String() {
					t.Errorf("%+v: not the same JSON: %v: %q", p, err, is.String())
				}
			}
		}
		for _, indented := range []bool{false, true} {
			plain, colored := print(printer{marked: true, indented: indented}), print(printer{marked: true, indented: indented, colored: true})
			if strings.IndexFunc(plain, invisible) >= 0 || !utf8.ValidString(plain) {
				t.Errorf("control characters: %q", plain)
			}
			if stripped := colour.ReplaceAllString(colored, ""); indented && stripped != plain || strings.Contains(stripped, "\x1b") {
				t.Errorf("colours changed %q to %q", plain, colored)
			}
		}
	})
}
