package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A scriptLine is one line of a scenario: words, a comment, both or neither.
type scriptLine struct {
	words   []word
	comment string // with its #
}

// A word is what stands between two spaces: characters, or a quoted string, or
// a string behind characters, as in 3*"ab".
type word struct {
	bare   string
	text   string
	quoted bool
}

func (w word) String() string {
	if w.quoted {
		return w.bare + strconv.Quote(w.text)
	}
	return w.bare
}

// name returns the word as a name, which may be quoted.
func (w word) name() string {
	if w.quoted && w.bare == "" {
		return w.text
	}
	return w.String()
}

func nameWord(name string) word {
	if mustQuote(name) {
		return word{text: name, quoted: true}
	}
	return word{bare: name}
}

// choiceLine is the line of a choice; its note is a comment.
func choiceLine(c Choice) scriptLine {
	note := c.Note
	c.Note = ""
	l := scriptLine{words: []word{{bare: "choice"}, nameWord(c.Stream)}}
	for _, f := range strings.Fields(strings.TrimPrefix(c.String(), l.words[1].String())) {
		l.words = append(l.words, word{bare: f})
	}
	if words := strings.Fields(printable(note)); len(words) > 0 {
		l.comment = "# " + strings.Join(words, " ")
	}
	return l
}

// printable replaces what must not stand in a line of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

func parseScriptLine(s string) (l scriptLine, err error) {
	for {
		s = strings.TrimLeft(s, " \t")
		switch {
		case s == "":
			return l, nil
		case s[0] == '#':
			l.comment = strings.TrimRight(s, " \t")
			return l, nil
		}
		var w word
		if w, s, err = cutWord(s); err != nil {
			return l, err
		}
		l.words = append(l.words, w)
	}
}

func cutWord(s string) (w word, rest string, err error) {
	end := strings.IndexAny(s, " \t#\"")
	if end < 0 {
		return word{bare: s}, "", nil
	}
	w.bare, s = s[:end], s[end:]
	if s[0] != '"' {
		return w, s, nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return w, "", fmt.Errorf("the string %s does not end, or has an unknown escape", s)
	}
	w.text, err = strconv.Unquote(quoted)
	w.quoted = true
	rest = s[len(quoted):]
	if err == nil && rest != "" && !strings.ContainsAny(rest[:1], " \t#") {
		err = fmt.Errorf("a space must follow the string %s", quoted)
	}
	return w, rest, err
}

// An arguments takes the words of a line one by one.
type arguments struct{ words []word }

var errMissing = errors.New("something is missing at the end")

func (a *arguments) empty() bool { return len(a.words) == 0 }

func (a *arguments) next() word {
	w := a.words[0]
	a.words = a.words[1:]
	return w
}

// one takes a word that is one of those in list.
func (a *arguments) one(what string, list ...string) (string, error) {
	if a.empty() {
		return "", fmt.Errorf("%s is missing: %s", what, strings.Join(list, ", "))
	}
	w := a.next().String()
	if !slices.Contains(list, w) {
		return "", fmt.Errorf("%s is %q; it must be one of: %s", what, w, strings.Join(list, ", "))
	}
	return w, nil
}

func (a *arguments) duration(what string) (time.Duration, error) {
	if a.empty() {
		return 0, fmt.Errorf("%s is missing, such as 1.5s", what)
	}
	return parseDuration(what, a.next().String())
}

// longestDuration is more than any script needs.
const longestDuration = 100 * 24 * time.Hour

func parseDuration(what, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d.Abs() > longestDuration {
		return 0, fmt.Errorf("%s is %q; it must be a duration such as 57.999999999s or 1m30s, of at most %v", what, s, longestDuration)
	}
	return d, nil
}

func parseNumber(what, s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is %q; it must be a number from %d to %d", what, s, least, most)
	}
	return n, nil
}

// mostPayload is how long a payload of a script may be.
const mostPayload = 1 << 20

// payload takes the strings that come next, repeated or not.
func (a *arguments) payload() ([]byte, error) {
	var p []byte
	for !a.empty() && a.words[0].quoted {
		w := a.next()
		times := 1
		if w.bare != "" {
			count, star := strings.CutSuffix(w.bare, "*")
			if !star {
				return nil, fmt.Errorf(`%s is no payload; it must be a string, as "a", or one repeated, as 3*"a"`, w)
			}
			var err error
			if times, err = parseNumber("the count of a repeated string", count, 1, mostPayload); err != nil {
				return nil, err
			}
		}
		if times*len(w.text) > mostPayload-len(p) {
			return nil, fmt.Errorf("the payload is longer than %d bytes", mostPayload)
		}
		p = append(p, strings.Repeat(w.text, times)...)
	}
	return p, nil
}

// done complains about what is left.
func (a *arguments) done() error {
	if a.empty() {
		return nil
	}
	return fmt.Errorf("%s does not belong here", a.words[0])
}
