package core

import "github.com/fb1e3c20/websockets/core/deflate"

// An extension is one element of Sec-WebSocket-Extensions, an offer in a
// request or a choice in a response
// (https://www.rfc-editor.org/rfc/rfc6455#section-9.1).
type extension struct {
	name   string
	params string // what follows the name, as it was written
}

// cutExtension takes the first extension from a list and checks its syntax,
// its parameters' included. At the end of the list the name is empty.
func cutExtension(list string) (e extension, rest string, ok bool) {
	for list = trimLeft(list); list != "" && list[0] == ','; {
		list = trimLeft(list[1:])
	}
	if list == "" {
		return extension{}, "", true
	}
	e.name, rest = cutToken(list)
	if e.name == "" {
		return extension{}, "", false
	}
	params := rest
	for rest != "" && rest[0] == ';' {
		if _, rest, ok = cutParam(rest); !ok {
			return extension{}, "", false
		}
	}
	if rest != "" && rest[0] != ',' {
		return extension{}, "", false
	}
	e.params = params[:len(params)-len(rest)]
	return e, rest, true
}

// parameters yields the parameters in their order.
func (e extension) parameters(yield func(deflate.Param) bool) {
	for s := e.params; s != ""; {
		p, rest, ok := cutParam(s)
		if !ok || !yield(p) {
			return
		}
		s = rest
	}
}

// cutParam takes a semicolon and a parameter from s. An empty value cannot occur.
func cutParam(s string) (p deflate.Param, rest string, ok bool) {
	p.Name, rest = cutToken(trimLeft(s[1:]))
	if p.Name == "" {
		return p, "", false
	}
	if rest == "" || rest[0] != '=' {
		return p, rest, true
	}
	p.HasValue = true
	rest = trimLeft(rest[1:])
	if rest != "" && rest[0] == '"' {
		p.Value, rest, ok = cutQuoted(rest)
		return p, rest, ok && isToken(p.Value)
	}
	p.Value, rest = cutToken(rest)
	return p, rest, p.Value != ""
}

// cutToken takes a token, which may be empty, and the whitespace behind it.
func cutToken(s string) (token, rest string) {
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], trimLeft(s[n:])
}

// cutQuoted takes a quoted string, unescaped, and the whitespace behind it
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4).
func cutQuoted(s string) (value, rest string, ok bool) {
	escapes := 0
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return unescape(s[1:i], escapes), trimLeft(s[i+1:]), true
		case '\\':
			escapes++
			i++
		}
	}
	return "", "", false
}

// unescape drops the backslash of each quoted pair.
func unescape(s string, escapes int) string {
	if escapes == 0 {
		return s
	}
	plain := make([]byte, 0, len(s)-escapes)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		plain = append(plain, s[i])
	}
	return string(plain)
}

// areExtensions checks Sec-WebSocket-Extensions, where it is present: lists
// with at least one element over any number of lines.
func (list fields) areExtensions() bool {
	lines, n := 0, 0
	for value := range list.values("Sec-WebSocket-Extensions") {
		lines++
		for value != "" {
			e, rest, ok := cutExtension(value)
			if !ok {
				return false
			}
			if e.name != "" {
				n++
			}
			value = rest
		}
	}
	return lines == 0 || n > 0
}
