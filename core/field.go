package core

// A Field is one header field line: a name and a value without the optional
// whitespace around it.
type Field struct{ Name, Value string }

type fields []Field

// appendFields appends the field lines up to the empty line, which must be the end
// of s, to list. It is as strict as RFC 9112 allows a recipient to be: line folding, a
// bare CR or LF, a control character and a space before the colon are refused
// (https://www.rfc-editor.org/rfc/rfc9112#section-5).
func appendFields(list fields, s string) (fields, bool) {
	if n := countLines(s) - 1; n > cap(list)-len(list) {
		list = append(make(fields, 0, len(list)+n), list...)
	}
	for {
		line, rest, ok := cutLine(s)
		if !ok {
			return nil, false
		}
		if line == "" {
			return list, rest == ""
		}
		name, value, ok := cut(line, ':')
		f := Field{name, trim(value)}
		if !ok || !f.valid() {
			return nil, false
		}
		list = append(list, f)
		s = rest
	}
}

// cutLine splits s behind its first line, which must end in CRLF.
func cutLine(s string) (line, rest string, ok bool) {
	line, rest, ok = cut(s, '\n')
	if !ok || line == "" || line[len(line)-1] != '\r' {
		return "", "", false
	}
	return line[:len(line)-1], rest, true
}

func countLines(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] == '\n' {
			n++
		}
	}
	return n
}

// valid reports whether f can stand on the wire
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.5).
func (f Field) valid() bool { return isToken(f.Name) && isText(f.Value) }

// isText reports whether s has no control character but the tab.
func isText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// get returns the first value of name.
func (list fields) get(name string) string {
	for _, f := range list {
		if equalFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

//go:noinline
func (list fields) count(name string) int {
	n := 0
	for _, f := range list {
		if equalFold(f.Name, name) {
			n++
		}
	}
	return n
}

// only returns the value of a field that must occur exactly once.
func (list fields) only(name string) (string, bool) {
	return list.get(name), list.count(name) == 1
}

func (list fields) values(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, f := range list {
			if equalFold(f.Name, name) && !yield(f.Value) {
				return
			}
		}
	}
}

// lists reports whether name, a comma-separated list over any number of lines,
// has the element token, in any case.
func (list fields) lists(name, token string) bool {
	for value := range list.values(name) {
		for element, rest := cutElement(value); element != ""; element, rest = cutElement(rest) {
			if equalFold(element, token) {
				return true
			}
		}
	}
	return false
}

// listOnly reports whether token is the only element of the list name, in any
// case.
func (list fields) listOnly(name, token string) bool {
	found := false
	for value := range list.values(name) {
		for element, rest := cutElement(value); element != ""; element, rest = cutElement(rest) {
			if !equalFold(element, token) {
				return false
			}
			found = true
		}
	}
	return found
}

// ours reports whether the handshake itself sets, or has no use for, the field
// name; an option must not.
func ours(name string) bool {
	const prefix = "Sec-WebSocket-"
	if len(name) >= len(prefix) && equalFold(name[:len(prefix)], prefix) {
		return true
	}
	for _, own := range [...]string{"Host", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"} {
		if equalFold(name, own) {
			return true
		}
	}
	return false
}

// addable reports whether every field of list is valid and none is ours.
func (list fields) addable() bool {
	for _, f := range list {
		if !f.valid() || ours(f.Name) {
			return false
		}
	}
	return true
}

func (list fields) append(dst []byte) []byte {
	for _, f := range list {
		dst = appendField(dst, f.Name, f.Value)
	}
	return dst
}

func appendField(dst []byte, name, value string) []byte {
	return appendAll(dst, name, ": ", value, "\r\n")
}

// appendAll keeps handshakes small: an append that is compiled in place is larger
// than a call.
//
//go:noinline
func appendAll(dst []byte, parts ...string) []byte {
	for _, s := range parts {
		dst = append(dst, s...)
	}
	return dst
}
