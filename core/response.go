package core

import "github.com/fb1e3c20/websockets/core/deflate"

// A Response is the head of a server's answer to a handshake. Its strings
// share one copy of the head; they may be kept, and keep all of it.
type Response struct {
	Status int     // 101 when the handshake succeeded
	Reason string  // the reason phrase; it means nothing
	Proto  string  // "HTTP/1.1"
	Fields []Field // in the order of the wire
}

// parseResponse parses a complete head, the empty line included. A status line
// that ends right behind the code is accepted, as HTTP clients do.
func parseResponse(head []byte) (*Response, Error) {
	line, rest, ok := cutLine(string(head))
	if !ok {
		return nil, ErrBadResponse
	}
	proto, line, _ := cut(line, ' ')
	code, reason, _ := cut(line, ' ')
	status, ok := parseStatus(code)
	if !ok || !isHTTPVersion(proto) || !isText(reason) {
		return nil, ErrBadResponse
	}
	list, ok := appendFields(nil, rest)
	if !ok {
		return nil, ErrBadResponse
	}
	return &Response{status, reason, proto, list}, 0
}

// parseStatus reads a status code: three digits, at least 100.
func parseStatus(s string) (status int, ok bool) {
	if len(s) != 3 || s[0] == '0' || !isDigit(s[0]) || !isDigit(s[1]) || !isDigit(s[2]) {
		return 0, false
	}
	return int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0'), true
}

// Get returns the first value of the field name, in any case, and "" without
// one.
func (r *Response) Get(name string) string { return fields(r.Fields).get(name) }

// Values yields every value of the field name, in any case and in the order
// of the wire. A list may be spread over several values.
func (r *Response) Values(name string) func(yield func(string) bool) {
	return fields(r.Fields).values(name)
}

// Ended reports whether body is the whole body of r, as its head tells
// (https://www.rfc-editor.org/rfc/rfc9112#section-6.3). One without a length ends
// with the stream.
func (r *Response) Ended(body []byte) bool {
	const last = "\r\n0\r\n\r\n"
	switch {
	case r.Status < 200, r.Status == 204, r.Status == 304:
		return true
	case r.Get("Transfer-Encoding") != "" && len(body) == len(last)-2:
		return string(body) == last[2:]
	case r.Get("Transfer-Encoding") != "":
		return len(body) >= len(last) && string(body[len(body)-len(last):]) == last
	}
	length, ok := parseLength(r.Get("Content-Length"))
	return ok && len(body) >= length
}

// parseLength reads a Content-Length; ok is false if it is none, or more than
// anybody wants to read of it.
func parseLength(s string) (n int, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// interim reports whether r precedes the answer: a 1xx other than 101, which a
// client skips (https://www.rfc-editor.org/rfc/rfc9110#section-15.2).
func (r *Response) interim() bool { return r.Status < 200 && r.Status != 101 }

// check applies the rules of a client with settings s to the answer to a request
// with the given key and subprotocols, and returns the subprotocol and the
// compression that the server chose, if any
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1).
func (r *Response) check(s *Settings, key string, offered []string) (subprotocol string, agreed *deflate.Params, err Error) {
	if r.Status != 101 {
		return "", nil, ErrStatus
	}
	if !isHTTP11(r.Proto) {
		return "", nil, ErrBadResponse
	}
	list := fields(r.Fields)
	if !list.listOnly("Upgrade", "websocket") || !list.lists("Connection", "Upgrade") {
		return "", nil, ErrResponseUpgrade
	}
	if accept, ok := list.only("Sec-WebSocket-Accept"); !ok || accept != AcceptKey(key) {
		return "", nil, ErrAcceptKey
	}
	return r.checkChoice(s, offered)
}

// checkChoice checks what the server chose of what was offered, and returns it.
func (r *Response) checkChoice(s *Settings, offered []string) (subprotocol string, agreed *deflate.Params, err Error) {
	list := fields(r.Fields)
	if agreed, err = s.checkExtensions(list); err != 0 {
		return "", nil, err
	}
	if list.count("Sec-WebSocket-Protocol") == 0 {
		return "", agreed, 0
	}
	subprotocol, once := list.only("Sec-WebSocket-Protocol")
	if !once || !contains(offered, subprotocol) {
		return "", nil, ErrResponseProtocol
	}
	return subprotocol, agreed, 0
}

func contains(list []string, s string) bool {
	for _, element := range list {
		if element == s {
			return true
		}
	}
	return false
}
