package sim

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A Choice is one answer of a [Tape] that was not the plainest.
//
// As text it is one line, the stream, the index, the value and the number of
// answers that there were, and the note if there is one:
//
//	ann>room.cut 7 12/1400  # after 12 bytes
//
// A stream whose name is empty or has a space, a quotation mark, a # or a
// character that does not print is quoted as in Go.
type Choice struct {
	Stream string
	Index  uint32 // of the question in its stream, from 0
	Value  uint64 // the answer
	Of     uint64 // the question had the answers 0 to Of-1; 0 means not known, and the text leaves it out
	Note   string // what it decided, in words; see [Stream.Note]
}

// String returns the choice as a line of text, without the line's end.
func (c Choice) String() string { return string(c.append(nil)) }

func (c Choice) append(dst []byte) []byte {
	if mustQuote(c.Stream) {
		dst = strconv.AppendQuote(dst, c.Stream)
	} else {
		dst = append(dst, c.Stream...)
	}
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(c.Index), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, c.Value, 10)
	if c.Of != 0 {
		dst = append(dst, '/')
		dst = strconv.AppendUint(dst, c.Of, 10)
	}
	if words := strings.Fields(c.Note); len(words) > 0 {
		dst = append(dst, "  # "...)
		dst = append(dst, strings.Join(words, " ")...)
	}
	return dst
}

func mustQuote(name string) bool {
	return name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r == '"' || r == '#' || r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// AppendChoices appends list to dst as text, one choice a line.
func AppendChoices(dst []byte, list []Choice) []byte {
	for _, c := range list {
		dst = append(c.append(dst), '\n')
	}
	return dst
}

// ParseChoices reads what [AppendChoices] wrote. Empty lines and lines that
// begin with a # are left out. An error names the line, counted from 1.
func ParseChoices(text string) ([]Choice, error) {
	var list []Choice
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		c, err := parseChoice(line)
		if err != nil {
			return nil, fmt.Errorf("sim: line %d of the choices: %w", number, err)
		}
		list = append(list, c)
	}
	return list, nil
}

// parseChoice reads one line that is not empty.
func parseChoice(line string) (Choice, error) {
	name, rest, err := cutName(line)
	if err != nil {
		return Choice{}, err
	}
	numbers, text, _ := strings.Cut(rest, "#")
	fields := strings.Fields(numbers)
	if len(fields) != 2 {
		return Choice{}, fmt.Errorf("after the stream %q come an index and a value, as in 7 12/1400; found %q",
			name, strings.TrimSpace(numbers))
	}
	index, err := strconv.ParseUint(fields[0], 10, 32)
	if err != nil {
		return Choice{}, fmt.Errorf("the index %q is not a number from 0 to 4294967295", fields[0])
	}
	c := Choice{Stream: name, Index: uint32(index), Note: strings.TrimSpace(text)}
	c.Value, c.Of, err = parseValue(fields[1])
	return c, err
}

// parseValue reads 12/1400 or 12.
func parseValue(field string) (value, of uint64, err error) {
	first, second, bounded := strings.Cut(field, "/")
	if value, err = strconv.ParseUint(first, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("the value %q is not a number from 0 to 18446744073709551615", first)
	}
	if !bounded {
		return value, 0, nil
	}
	if of, err = strconv.ParseUint(second, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("after the / in %q comes the number of answers", field)
	}
	if value >= of {
		return 0, 0, fmt.Errorf("the value %d is not below %d, the number of answers", value, of)
	}
	return value, of, nil
}

// cutName takes the name of the stream off the line.
func cutName(line string) (name, rest string, err error) {
	if line[0] != '"' {
		end := strings.IndexFunc(line, unicode.IsSpace)
		if end < 0 {
			return line, "", nil
		}
		return line[:end], line[end:], nil
	}
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return "", "", fmt.Errorf("the quoted name of the stream does not end, or has an unknown escape: %s", line)
	}
	name, err = strconv.Unquote(quoted)
	return name, line[len(quoted):], err
}
