package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/pretty"

	"github.com/fb1e3c20/websockets"
)

// A printer gives messages the form in which they are printed.
type printer struct {
	raw      bool // as they are
	indented bool // JSON over several lines
	colored  bool
	marked   bool // on a terminal: "< " before each, control characters escaped
}

// line returns the form of a message, with a newline at its end. It may use the
// memory of p for that.
func (f *printer) line(typ websockets.MessageType, p []byte) []byte {
	switch {
	case f.raw:
		return append(p, '\n')
	case typ == websockets.Binary:
		p = hex.AppendEncode(nil, p)
	default:
		p = f.text(p)
	}
	if f.marked {
		p = f.mark(p)
	}
	return append(p, '\n')
}

func (f *printer) text(p []byte) []byte {
	broken := bytes.IndexByte(p, '\n') >= 0
	if (f.indented || f.colored || broken) && isJSON(p) {
		return f.json(p)
	}
	if f.marked {
		return visible(p)
	}
	if broken {
		return bytes.ReplaceAll(p, []byte("\n"), []byte(`\n`))
	}
	return p
}

func (f *printer) json(p []byte) []byte {
	if f.indented && nesting(p) <= maxNesting {
		p = bytes.TrimSuffix(pretty.Pretty(p), []byte("\n"))
	} else {
		p = pretty.Ugly(p)
	}
	if f.marked {
		p = visible(p)
	}
	if f.colored {
		p = pretty.Color(p, nil)
	}
	return p
}

// mark tells what is received from what is typed; further lines of a message
// stand under its first.
func (f *printer) mark(p []byte) []byte {
	mark := "< "
	if f.colored {
		mark = "\x1b[36m<\x1b[0m "
	}
	return append([]byte(mark), bytes.ReplaceAll(p, []byte("\n"), []byte("\n  "))...)
}

// maxNesting is how deep JSON may be to be indented: twenty thousand brackets
// would be hundreds of megabytes.
const maxNesting = 64

// isJSON reports whether p is an object or an array, nested no deeper than
// encoding/json reads.
func isJSON(p []byte) bool {
	start := bytes.TrimLeft(p, " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return false
	}
	return json.Valid(p)
}

// nesting is the depth of valid JSON.
func nesting(p []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// visible escapes what a terminal would obey, and not show: control characters,
// but line breaks and tabs, those that turn the direction of writing, and bytes
// that are not UTF-8, which may be control characters of another encoding.
func visible(p []byte) []byte {
	if utf8.Valid(p) && bytes.IndexFunc(p, invisible) < 0 {
		return p
	}
	shown := make([]byte, 0, len(p)+16)
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && n == 1:
			shown = fmt.Appendf(shown, `\x%02x`, p[0])
		case invisible(r):
			quoted := strconv.QuoteRuneToASCII(r)
			shown = append(shown, quoted[1:len(quoted)-1]...)
		default:
			shown = append(shown, p[:n]...)
		}
		p = p[n:]
	}
	return shown
}

func invisible(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// note prints a line about the connection. Whatever text of others is in it is
// made visible, and cannot pass for a line of ours: further lines are indented.
func note(w io.Writer, format string, args ...any) {
	text := visible(fmt.Appendf(nil, format, args...))
	w.Write(append(bytes.ReplaceAll(text, []byte("\n"), []byte("\n  ")), '\n'))
}
