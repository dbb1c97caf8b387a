package flight

import (
	"bytes"
	"strings"

	"github.com/fb1e3c20/websockets/core"
)

// A head redacts the HTTP heads of a handshake, line by line.
type head struct {
	held   []byte // a line that is not complete
	within bool   // the first line has passed
	names  []string
}

// feed takes input and returns the lines that are complete, redacted; with all
// also the rest of one.
func (h *head) feed(in []byte, all bool) (lines []byte) {
	for {
		n := bytes.IndexByte(in, '\n') + 1
		if n == 0 {
			break
		}
		lines = append(lines, h.line(string(append(h.held, in[:n]...)))...)
		h.held = h.held[:0]
		in = in[n:]
	}
	h.held = append(h.held, in...)
	if all && len(h.held) > 0 {
		lines = append(lines, h.line(string(h.held))...)
		h.held = nil
	}
	return lines
}

func (h *head) line(s string) string {
	text := strings.TrimRight(s, "\r\n")
	end := s[len(text):]
	if text == "" {
		h.within = false // another head may follow
		return end
	}
	if !h.within {
		h.within = true
		return redactFirst(text) + end
	}
	return h.field(text) + end
}

// redactFirst redacts a request line or a status line.
func redactFirst(s string) string {
	first, rest, spaced := strings.Cut(s, " ")
	second, third, spacedAgain := strings.Cut(rest, " ")
	if isVersion(first) && spaced {
		if spacedAgain {
			return first + " " + redactStatus(second) + " " + redactValue(third)
		}
		return first + " " + redactStatus(second)
	}
	line := redactMethod(first)
	if spaced {
		line += " " + redactTarget(second)
	}
	if spacedAgain && isVersion(third) {
		return line + " " + third
	}
	if spacedAgain {
		line += " " + redactValue(third)
	}
	return line
}

func isVersion(s string) bool {
	return len(s) == len("HTTP/1.1") && s[:5] == "HTTP/" && isDigits(s[5:6]) && s[6] == '.' && isDigits(s[7:])
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func redactStatus(s string) string {
	if len(s) == 3 && isDigits(s) {
		return s
	}
	return redactValue(s)
}

func redactMethod(s string) string {
	switch s {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PRI":
		return s
	}
	return redactToken(s)
}

// redactTarget replaces the path of a target, and its host. Of a target in
// another form than these two everything is replaced.
func redactTarget(s string) string {
	if s == "" || s[0] == '/' {
		return redactPath(s)
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found || !isScheme(scheme) {
		return mapBytes(s, replaceInTarget)
	}
	n := strings.IndexAny(rest, "/?")
	if n < 0 {
		n = len(rest)
	}
	return scheme + "://" + redactHost(rest[:n]) + redactPath(rest[n:])
}

func isScheme(s string) bool {
	switch strings.ToLower(s) {
	case "http", "https", "ws", "wss":
		return true
	}
	return false
}

// redactPath keeps the first byte of a path, which is a slash or a question
// mark, and what may not be in one.
func redactPath(s string) string {
	if s == "" {
		return ""
	}
	return s[:1] + mapBytes(s[1:], replaceInTarget)
}

// redactHost replaces a host by one that is as valid.
func redactHost(s string) string {
	r := core.Request{Method: "GET", Target: "/", Proto: "HTTP/1.1", Fields: []core.Field{{Name: "Host", Value: s}}}
	if r.Check() != core.ErrHost {
		return strings.Repeat(string(filler), len(s))
	}
	return mapBytes(s, func(c byte) byte {
		if isVisible(c) && c != '#' {
			return outsider
		}
		return c
	})
}

// field redacts a line of the header, whose name is kept, if it has one: else the
// line is as little one without a colon.
func (h *head) field(s string) string {
	name, value, found := strings.Cut(s, ":")
	if !found || !isToken(name) {
		return redactValue(s)
	}
	return name + ":" + h.value(name, value)
}

func (h *head) value(name, value string) string {
	switch strings.ToLower(name) {
	case "upgrade", "connection", "sec-websocket-version", "sec-websocket-extensions":
		return redactList(value)
	case "sec-websocket-key", "sec-websocket-accept":
		if isDigest(strings.Trim(value, " \t")) {
			return value
		}
	case "sec-websocket-protocol":
		return h.tokens(value)
	case "host":
		text := strings.Trim(value, " \t")
		before, after, _ := strings.Cut(value, text)
		return before + redactHost(text) + after
	case "content-length":
		if isDigits(strings.Trim(value, " \t")) {
			return value
		}
	}
	return redactValue(value)
}

// isDigest reports whether s looks like a key, base64 of 16 bytes, or its answer,
// of 20.
func isDigest(s string) bool {
	text := strings.TrimRight(s, "=")
	return (len(s) == 24 && len(text) == 22 || len(s) == 28 && len(text) == 27) &&
		strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") == ""
}

// redactList replaces the tokens of a list, with or without parameters, but for
// those that everybody uses. Its syntax stays.
func redactList(list string) string {
	var b strings.Builder
	for list != "" {
		n := len(list) - len(strings.TrimLeft(list, tokenBytes))
		if token := list[:n]; isCommon(token) {
			b.WriteString(token)
		} else {
			b.WriteString(redactToken(token))
		}
		list = list[n:]
		if n = strings.IndexAny(list, tokenBytes); n < 0 {
			n = len(list)
		}
		b.WriteString(mapBytes(list[:n], func(c byte) byte {
			if isVisible(c) && !strings.ContainsRune(`,;="\`, rune(c)) {
				return outsider
			}
			return c
		}))
		list = list[n:]
	}
	return b.String()
}

// isCommon reports whether a token is one of those that handshakes have, or a
// number as versions and parameters are.
func isCommon(token string) bool {
	switch strings.ToLower(token) {
	case "websocket", "upgrade", "keep-alive", "close", "permessage-deflate", "x-webkit-deflate-frame",
		"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits":
		return true
	}
	return len(token) <= 2 && isDigits(token)
}

// tokens replaces the tokens of a list, equal ones by equal ones and different
// ones by different ones, of as many as the core takes: people put passwords into
// subprotocols.
func (h *head) tokens(list string) string {
	var b strings.Builder
	for list != "" {
		n := strings.IndexAny(list, ", \t")
		if n < 0 {
			n = len(list)
		}
		b.WriteString(h.token(list[:n]))
		list = list[n:]
		n = len(list) - len(strings.TrimLeft(list, ", \t"))
		b.WriteString(list[:n])
		list = list[n:]
	}
	return b.String()
}

// tokenBytes are what a token may be made of
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
const tokenBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

func isToken(s string) bool { return s != "" && strings.Trim(s, tokenBytes) == "" }

func (h *head) token(s string) string {
	if !isToken(s) {
		return redactToken(s)
	}
	i := 0
	for i < len(h.names) && h.names[i] != s {
		i++
	}
	if i == len(h.names) && i < len(tokenBytes) {
		h.names = append(h.names, s)
	}
	return tokenBytes[i%len(tokenBytes):][:1] + strings.Repeat(string(filler), len(s)-1)
}
