package sim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/sim"
)

func ExampleParseChoices() {
	list, err := sim.ParseChoices(`
		# The second chunk is split after 12 bytes, and then the link clogs.
		ann>room.chunk 1 11/1399
		ann>room.clog  3 4/60     # clogged for 4 s
	`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", sim.AppendChoices(nil, list))
	// Output:
	// ann>room.chunk 1 11/1399
	// ann>room.clog 3 4/60  # clogged for 4 s
}

func TestChoicesAsText(t *testing.T) {
	for text, c := range map[string]sim.Choice{
		`ann>room.cut 7 12/1400`: {Stream: "ann>room.cut", Index: 7, Value: 12, Of: 1400},
		`ann>room.cut 7 12`:      {Stream: "ann>room.cut", Index: 7, Value: 12},
		`a 4294967295 18446744073709551614/18446744073709551615`: {Stream: "a", Index: math.MaxUint32, Value: math.MaxUint64 - 1, Of: math.MaxUint64},
		`a 0 1/2  # cut, after "12" # bytes`:                     {Stream: "a", Value: 1, Of: 2, Note: `cut, after "12" # bytes`},
		`"" 0 1/2`:                                               {Value: 1, Of: 2},
		`"two words" 0 1/2`:                                      {Stream: "two words", Value: 1, Of: 2},
		`"#1" 0 1/2`:                                             {Stream: "#1", Value: 1, Of: 2},
		`"a\"b" 0 1/2`:                                           {Stream: `a"b`, Value: 1, Of: 2},
		`a\b 0 1/2`:                                              {Stream: `a\b`, Value: 1, Of: 2},
		`"a\nb" 0 1/2`:                                           {Stream: "a\nb", Value: 1, Of: 2},
		`"a\x00" 0 1/2`:                                          {Stream: "a\x00", Value: 1, Of: 2},
		`"a\xff" 0 1/2`:                                          {Stream: "a\xff", Value: 1, Of: 2},
		"\u00fc\u2192\u4e16 0 1/2":                               {Stream: "\u00fc\u2192\u4e16", Value: 1, Of: 2},
		`"\u00a0" 0 1/2`:                                         {Stream: "\u00a0", Value: 1, Of: 2},
	} {
		if got := c.String(); got != text {
			t.Errorf("%#v is written %s, want %s", c, got, text)
		}
		if got, err := sim.ParseChoices(text); err != nil || !slices.Equal(got, []sim.Choice{c}) {
			t.Errorf("%s is read as %#v, %v", text, got, err)
		}
	}
}

func TestNotesOfAnyKindKeepToTheirLine(t *testing.T) {
	for note, want := range map[string]string{"one\r\ntwo": "one two", " \t\n": "", "# x": "# x", "  a  b ": "a b"} {
		text := sim.AppendChoices(nil, []sim.Choice{{Stream: "a", Value: 1, Note: note}, {Stream: "b", Value: 1}})
		got, err := sim.ParseChoices(string(text))
		if err != nil || len(got) != 2 || got[0].Note != want {
			t.Errorf("note %q: read %+v, %v; want the note %q", note, got, err, want)
		}
	}
}

func TestParseChoicesTakesLooseText(t *testing.T) {
	for _, text := range []string{"", "\n\n", "# nothing\n \t# nothing\r\n"} {
		if list, err := sim.ParseChoices(text); err != nil || list != nil {
			t.Errorf("%q: %v, %v; want none", text, list, err)
		}
	}
	want := []sim.Choice{{Stream: "a", Value: 1, Of: 2}, {Stream: "b c", Index: 1, Value: 2, Note: "n"}}
	if got, err := sim.ParseChoices("\ta   0\t1/2\r\n#\r\n\"b c\"1 2#n"); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestParseChoicesNamesTheLineAndTheFault(t *testing.T) {
	for text, want := range map[string]string{
		"a":                `after the stream "a" come an index and a value, as in 7 12/1400; found ""`,
		"a 1":              `after the stream "a" come an index and a value, as in 7 12/1400; found "1"`,
		"a 1 2/3 4":        `after the stream "a" come an index and a value, as in 7 12/1400; found "1 2/3 4"`,
		"a 1 # 2/3":        `after the stream "a" come an index and a value, as in 7 12/1400; found "1"`,
		"a -1 2/3":         `the index "-1" is not a number from 0 to 4294967295`,
		"a 4294967296 2/3": `the index "4294967296" is not a number from 0 to 4294967295`,
		"a 1 x/3":          `the value "x" is not a number from 0 to 18446744073709551615`,
		"a 1 2/":           `after the / in "2/" comes the number of answers`,
		"a 1 2/3/4":        `after the / in "2/3/4" comes the number of answers`,
		"a 1 3/3":          `the value 3 is not below 3, the number of answers`,
		"a 1 0/0":          `the value 0 is not below 0, the number of answers`,
		`"a 1 2/3`:         `the quoted name of the stream does not end, or has an unknown escape: "a 1 2/3`,
		`"a\y" 1 2/3`:      `the quoted name of the stream does not end, or has an unknown escape: "a\y" 1 2/3`,
	} {
		list, err := sim.ParseChoices("# good\n\nb 0 1/2\n" + text + "\nb 1 1/2\n")
		if err == nil || list != nil {
			t.Errorf("%s: no error, list %v", text, list)
			continue
		}
		if got := err.Error(); got != "sim: line 4 of the choices: "+want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}

func FuzzParseChoices(f *testing.F) {
	f.Add("ann>room.cut 7 12/1400  # note\n\"two words\" 1 2\n# comment\n")
	f.Add("a 1 3/3")
	f.Add("\"\\xff\" 1 2\r\n\u00a0 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := sim.ParseChoices(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "sim: line ") {
				t.Fatalf("the error names no line: %v", err)
			}
			return
		}
		written := string(sim.AppendChoices(nil, list))
		again, err := sim.ParseChoices(written)
		if err != nil {
			t.Fatalf("written as %q, then refused: %v", written, err)
		}
		if twice := string(sim.AppendChoices(nil, again)); twice != written {
			t.Fatalf("written as %q, then as %q", written, twice)
		}
	})
}
