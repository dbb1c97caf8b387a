package core

// A Request is the handshake request that a client sent. Its strings share
// one copy of the head; they may be kept, and keep all of it.
//
// A Request may also be built by hand, from what an HTTP server has parsed.
// Target is then the target as it was on the request line, Fields holds every
// field, Host among them, and a body that is not announced by Content-Length
// or Transfer-Encoding in Fields must be refused by the builder.
type Request struct {
	Method string  // "GET" in a valid handshake
	Target string  // as on the request line: "/path?query" or "http://host/path?query"
	Proto  string  // "HTTP/1.1"
	Fields []Field // in the order of the wire

	text string // that it was parsed from
}

// ParseRequest parses the head of a request, up to and with the empty line at its end.
// The error is [ErrBadRequest]. Whether it is a handshake is for [Request.Check] to tell.
func ParseRequest(head string) (*Request, error) {
	r, err := parseRequest(head)
	if err != 0 {
		return nil, err
	}
	return r, nil
}

// Text returns what the Request was parsed from, for [ParseRequest] to parse again: the
// string takes less memory than the Request. It is "" for one that was built by hand, or
// has come out of a sandbox.
func (r *Request) Text() string { return r.text }

func parseRequest(head string) (*Request, Error) {
	r := &Request{}
	if err := r.parse(head); err != 0 {
		return nil, err
	}
	return r, 0
}

// parse makes r of a head, in the memory of the fields that it had.
func (r *Request) parse(head string) Error {
	s := head
	if len(s) > 2 && s[:2] == "\r\n" {
		s = s[2:]
	}
	line, rest, ok := cutLine(s)
	if !ok {
		return ErrBadRequest
	}
	method, line, _ := cut(line, ' ')
	target, proto, _ := cut(line, ' ')
	if !isToken(method) || !isTarget(target) || !isHTTPVersion(proto) {
		return ErrBadRequest
	}
	list, ok := appendFields(r.Fields[:0], rest)
	if !ok {
		return ErrBadRequest
	}
	*r = Request{method, target, proto, list, head}
	return 0
}

// isHTTPVersion reports whether s is HTTP/, a digit, a dot and a digit
// (https://www.rfc-editor.org/rfc/rfc9112#section-2.3).
func isHTTPVersion(s string) bool {
	return len(s) == 8 && s[:5] == "HTTP/" && isDigit(s[5]) && s[6] == '.' && isDigit(s[7])
}

// isHTTP11 reports whether s is HTTP/1.1 or a higher 1.x.
func isHTTP11(s string) bool {
	return isHTTPVersion(s) && s[5] == '1' && s[7] != '0'
}

// Get returns the first value of the field name, in any case, and "" without
// one.
func (r *Request) Get(name string) string { return fields(r.Fields).get(name) }

// Values yields every value of the field name, in any case and in the order
// of the wire. A list may be spread over several values.
func (r *Request) Values(name string) func(yield func(string) bool) {
	return fields(r.Fields).values(name)
}

// Host returns the host and port that the client asked for: the target's in
// absolute-form, or else the Host field
// (https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2).
func (r *Request) Host() string {
	if authority, _, ok := splitTarget(r.Target); ok && authority != "" {
		return authority
	}
	return r.Get("Host")
}

// Path returns the resource name: the target's path and query
// (https://www.rfc-editor.org/rfc/rfc6455#section-3), without the scheme and
// host of an absolute-form. It is "" when the target is not valid.
func (r *Request) Path() string {
	_, path, ok := splitTarget(r.Target)
	if !ok {
		return ""
	}
	if path == "" || path[0] == '?' {
		return "/" + path
	}
	return path
}

// Origin returns the Origin field, which browsers send, and whether there is
// one (https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
func (r *Request) Origin() (origin string, present bool) {
	list := fields(r.Fields)
	return list.get("Origin"), list.count("Origin") > 0
}

// Subprotocols returns what the client offers in Sec-WebSocket-Protocol, in
// its order of preference.
func (r *Request) Subprotocols() []string {
	var names []string
	for value := range r.Values("Sec-WebSocket-Protocol") {
		for element, rest := cutElement(value); element != ""; element, rest = cutElement(rest) {
			names = append(names, element)
		}
	}
	return names
}

// Check returns nil when r is a handshake that a server may accept. If not, it
// returns an [Error], of the first of these rules that r breaks, whose
// [Error.Status] is the answer:
//
//   - [ErrMethod], 405: the method is GET.
//   - [ErrHTTPVersion], 505: HTTP/1.1, or a later 1.x.
//   - [ErrBadRequest], 400: the target is in origin-form, or in absolute-form
//     with the scheme http, https, ws or wss; Origin occurs at most once.
//   - [ErrHost], 400: Host occurs once and is a host with or without a port.
//   - [ErrRequestBody], 400: no Transfer-Encoding, and no Content-Length
//     but 0.
//   - [ErrUpgradeHeader], 426: Upgrade lists websocket.
//   - [ErrConnectionHeader], 426: Connection lists Upgrade.
//   - [ErrVersion], 426: Sec-WebSocket-Version occurs once and is 13.
//   - [ErrKey], 400: Sec-WebSocket-Key occurs once and is base64 of 16 bytes.
//   - [ErrProtocolHeader], 400: Sec-WebSocket-Protocol, if present, lists
//     distinct tokens. More than 64 are [ErrHeadTooBig], 431.
//   - [ErrExtensionsHeader], 400: Sec-WebSocket-Extensions, if present, is a
//     list in the syntax of RFC 6455 section 9.1.
//
// Lists may be spread over any number of lines; tokens of Upgrade and
// Connection match in any case. The rules are those of
// https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1.
func (r *Request) Check() error {
	if err := r.check(); err != 0 {
		return err
	}
	return nil
}

func (r *Request) check() Error {
	if r.Method != "GET" {
		return ErrMethod
	}
	if !isHTTP11(r.Proto) {
		return ErrHTTPVersion
	}
	if err := r.checkTarget(); err != 0 {
		return err
	}
	list := fields(r.Fields)
	if !list.lists("Upgrade", "websocket") {
		return ErrUpgradeHeader
	}
	if !list.lists("Connection", "Upgrade") {
		return ErrConnectionHeader
	}
	if version, ok := list.only("Sec-WebSocket-Version"); !ok || version != "13" {
		return ErrVersion
	}
	if key, ok := list.only("Sec-WebSocket-Key"); !ok || !isKey(key) {
		return ErrKey
	}
	return list.checkOffers()
}

// checkTarget checks what every version of HTTP has: target, host, origin, and no
// body.
func (r *Request) checkTarget() Error {
	list := fields(r.Fields)
	if _, _, ok := splitTarget(r.Target); !ok || !isTarget(r.Target) || list.count("Origin") > 1 {
		return ErrBadRequest
	}
	if host, ok := list.only("Host"); !ok || !isHost(host) {
		return ErrHost
	}
	if list.haveBody() {
		return ErrRequestBody
	}
	return 0
}

// checkOffers checks the subprotocols and the extensions that are offered.
func (list fields) checkOffers() Error {
	if err := list.checkSubprotocols(); err != 0 {
		return err
	}
	if !list.areExtensions() {
		return ErrExtensionsHeader
	}
	return 0
}

// haveBody reports whether the fields announce a body
// (https://www.rfc-editor.org/rfc/rfc9112#section-6).
func (list fields) haveBody() bool {
	for length := range list.values("Content-Length") {
		if length != "0" {
			return true
		}
	}
	return list.count("Transfer-Encoding") > 0
}
