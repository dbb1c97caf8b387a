package core

// isTarget reports whether s can be a request target: visible ASCII, without
// a fragment. Characters that RFC 3986 wants escaped, such as a vertical bar,
// pass, since browsers send them.
func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return s != ""
}

// splitTarget splits a target in origin-form or absolute-form. The authority
// of the former is empty. Other forms, and schemes other than http, https, ws
// and wss, are refused (https://www.rfc-editor.org/rfc/rfc9112#section-3.2).
func splitTarget(target string) (authority, path string, ok bool) {
	if target != "" && target[0] == '/' {
		return "", target, true
	}
	scheme, rest, found := cut(target, ':')
	if !found || !isScheme(scheme) || len(rest) < 2 || rest[:2] != "//" {
		return "", "", false
	}
	rest = rest[2:]
	end := 0
	for end < len(rest) && rest[end] != '/' && rest[end] != '?' {
		end++
	}
	return rest[:end], rest[end:], isHost(rest[:end])
}

func isScheme(s string) bool {
	for _, scheme := range [...]string{"http", "https", "ws", "wss"} {
		if equalFold(s, scheme) {
			return true
		}
	}
	return false
}

// isHost reports whether s is a host that is not empty, with or without a
// port: what a Host field holds
// (https://www.rfc-editor.org/rfc/rfc9110#section-7.2).
func isHost(s string) bool {
	if s != "" && s[0] == '[' {
		literal, port, closed := cut(s[1:], ']')
		return closed && isHostText(literal, true) && isPort(port)
	}
	name, _, _ := cut(s, ':')
	return isHostText(name, false) && isPort(s[len(name):])
}

// isPort reports whether s is empty or a colon and digits.
func isPort(s string) bool {
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s == "" || s[0] == ':'
}

// isHostText reports whether s is made of the characters of a registered name,
// or of an IP literal, which has colons
// (https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2).
func isHostText(s string, literal bool) bool {
	for i := range len(s) {
		if !isHostByte(s[i]) && !(literal && s[i] == ':') {
			return false
		}
	}
	return s != ""
}

func isHostByte(c byte) bool {
	if isAlphanumeric(c) {
		return true
	}
	switch c {
	case '-', '.', '_', '~', '%', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=':
		return true
	}
	return false
}
