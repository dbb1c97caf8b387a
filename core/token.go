package core

// isToken reports whether s is a token
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
//
//go:noinline
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	if isAlphanumeric(c) {
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// equalFold compares ASCII case-insensitively.
//
//go:noinline
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// cut splits s at the first sep. Without one it returns s, "" and false.
func cut(s string, sep byte) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// trim removes optional whitespace from both ends
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3).
func trim(s string) string {
	s = trimLeft(s)
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// cutElement takes the first element that is not empty from a comma-separated
// list of tokens. It returns "" at the list's end. Empty elements are ignored
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2).
func cutElement(list string) (element, rest string) {
	for list != "" && element == "" {
		element, list, _ = cut(list, ',')
		element = trim(element)
	}
	return element, list
}
