package sim

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
)

// mirrorHandshake is how far the opening handshake has come.
type mirrorHandshake struct {
	out      handshakeOut // is pending
	status   int          // of a refusal
	key      string       // Sec-WebSocket-Key, "" while it is not known
	awaiting bool         // the request waits for its answer
	released bool         // nothing of the handshake is kept
	head     headSoFar

	offers  []plainExtension // of the client
	unclear bool             // the offers are not known, or not plain
}

type handshakeOut uint8

const (
	nothingOut handshakeOut = iota
	requestOut
	acceptOut
	refusalOut
)

// headSoFar is what has come of an HTTP head. Heads of interim responses count
// for the limits of the one that follows.
type headSoFar struct {
	text  []byte
	line  int // where the line begins in text
	lines int
	size  int // of this head and those before it
}

type headEnd uint8

const (
	headGoesOn headEnd = iota
	headComplete
	headBroken // by a control character
	headTooBig
)

// take takes in up to the end of the head.
func (h *headSoFar) take(in []byte, lim *limits) (n int, end headEnd) {
	for n < len(in) {
		c := in[n]
		n++
		h.text = append(h.text, c)
		h.size++
		switch {
		case c == '\n':
			end = h.newline(lim)
		case c < ' ' && c != '\r' && c != '\t':
			end = headBroken
		}
		if end == headGoesOn && h.size >= lim.headBytes {
			end = headTooBig
		}
		if end != headGoesOn {
			break
		}
	}
	return n, end
}

// newline notes the end of a line. An empty one ends the head, unless it is
// the first (https://www.rfc-editor.org/rfc/rfc9112#section-2.2).
func (h *headSoFar) newline(lim *limits) headEnd {
	line := strings.TrimSuffix(string(h.text[h.line:len(h.text)-1]), "\r")
	if line == "" && h.line > 0 {
		return headComplete
	}
	h.line = len(h.text)
	h.lines++
	if h.lines > lim.headLines {
		return headTooBig
	}
	return headGoesOn
}

func (h *headSoFar) next() { h.text, h.line = h.text[:0], 0 }

// releaseHandshake notes that the handshake's memory is let go of: the
// connection is open and the handshake's output was taken.
func (m *mirror) releaseHandshake() {
	if m.stage == talking && m.shake.out == nothingOut {
		m.shake.released = true
	}
}

// failHandshake ends the handshake; a server answers with a status.
func (m *mirror) failHandshake(e core.Error) {
	m.shake.awaiting = false
	if m.role == core.Server && e.Status() != 0 {
		m.shake.out, m.shake.status = refusalOut, e.Status()
	}
	m.failWith(e)
}

// judgeHandshake compares what Recv made of input during the handshake with
// what it must.
func (w *witness) judgeHandshake(in []byte, n int, ev core.Event) {
	m := &w.mirror
	if m.shake.awaiting {
		w.judgeInput(prediction{}, n, ev)
		return
	}
	for pos := 0; ; {
		k, end := m.shake.head.take(in[pos:], &m.lim)
		pos += k
		switch end {
		case headGoesOn:
			w.judgeInput(prediction{least: pos, most: pos}, n, ev)
		case headTooBig:
			w.judgeRefusal(core.ErrHeadTooBig, len(in), n, ev)
		case headBroken:
			w.judgeRefusal(errorOf(w.m.Err()), len(in), n, ev)
		case headComplete:
			if !w.judgeHead(len(in), pos, n, ev) {
				m.shake.head.next()
				continue
			}
		}
		return
	}
}

// judgeHead compares what came of a complete head, which ends at pos. It
// reports false for an interim response, behind which the answer follows.
func (w *witness) judgeHead(size, pos, n int, ev core.Event) bool {
	m := &w.mirror
	h := parseHead(string(m.shake.head.text))
	var verdict headVerdict
	success := core.EventRequest
	if m.role == core.Server {
		verdict = h.judgeRequest()
	} else {
		success = core.EventOpen
		if h.interim() && (h.plain && h.isHTTP11() || ev.Kind != core.EventFailed) {
			return false
		}
		verdict = h.judgeResponse(m.shake.key)
		if verdict == headFine {
			verdict = m.judgeChoice(&h)
		}
	}
	if verdict == headFine || verdict == headUnclear && ev.Kind == success {
		w.judgeInput(prediction{kind: success, least: pos, most: pos}, n, ev)
		w.accepted(h)
		return true
	}
	w.judgeRefusal(errorOf(w.m.Err()), size, n, ev)
	return true
}

// accepted notes that the peer's part of the handshake is fine.
func (w *witness) accepted(h parsedHead) {
	m := &w.mirror
	if m.role == core.Client {
		w.agreeOnChoice(&h)
		m.open()
		return
	}
	m.shake.awaiting = true
	m.offered(&h)
	m.shake.key = h.get("Sec-WebSocket-Key")
	if r := w.m.Request(); r == nil {
		w.fail(oracleHandshake, "there is no Request()")
	} else if got := r.Get("Sec-WebSocket-Key"); got != m.shake.key {
		w.fail(oracleHandshake, "the key of Request() is %q, want %q", got, m.shake.key)
	}
}

// judgeRefusal expects that the handshake failed, with e.
func (w *witness) judgeRefusal(e core.Error, size, n int, ev core.Event) {
	if e.Kind() != core.KindHandshake {
		w.fail(oracleHandshake, "reported %s, want a failed handshake", outcomeText(ev.Kind, e))
		return
	}
	w.mirror.failHandshake(e)
	want := w.mirror.takeFailure()
	want.most = size
	w.judgeInput(want, n, ev)
}

func (w *witness) Accept(now clock.Time, o core.AcceptOptions) error {
	if w.over {
		return w.m.Accept(now, o)
	}
	w.beginAt("Accept", now, -1)
	w.mirror.advance(now)
	err := w.m.Accept(now, o)
	if w.answers(err) {
		w.mirror.shake.out = acceptOut
		w.agreeOnOffer()
		w.mirror.open()
	}
	w.settle()
	return err
}

func (w *witness) Reject(now clock.Time, o core.RejectOptions) error {
	if w.over {
		return w.m.Reject(now, o)
	}
	w.beginAt("Reject", now, -1)
	w.mirror.advance(now)
	err := w.m.Reject(now, o)
	if w.answers(err) {
		s := &w.mirror.shake
		s.out, s.status = refusalOut, o.Status
		if s.status == 0 {
			s.status = 403
		}
		w.mirror.failWith(core.ErrRejected)
		w.mirror.untold = false
	}
	w.settle()
	return err
}

// answers reports whether a request was answered. Options may be refused; no
// answer is possible without a request.
func (w *witness) answers(err error) bool {
	e := errorOf(err)
	s := &w.mirror.shake
	if !s.awaiting && e != core.ErrNoRequest || s.awaiting && e != 0 && (e.Kind() != core.KindMisuse || e == core.ErrNoRequest) {
		w.fail(oracleMisuse, "returned %s, with a request that waits: %t", errorText(e), s.awaiting)
	}
	if e != 0 {
		return false
	}
	s.awaiting = false
	return true
}

// handshake expects what is pending of the handshake.
func (r *reading) handshake() {
	w := r.w
	s := &w.mirror.shake
	out := s.out
	if out == nothingOut || w.over {
		return
	}
	s.out = nothingOut
	end := bytes.Index(r.rest, []byte("\r\n\r\n")) + 4
	if end < 4 {
		w.fail(oracleHandshake, "the handshake's output is not a head: %s", excerpt(r.rest))
		return
	}
	h := parseHead(string(r.rest[:end]))
	switch out {
	case requestOut:
		w.judgeOwnRequest(h)
	case acceptOut:
		w.judgeOwnAnswer(h)
	case refusalOut:
		end = len(r.rest) // a body may follow, and nothing else does
		if status := fmt.Sprintf("HTTP/1.1 %d ", s.status); !strings.HasPrefix(h.first, status) {
			w.fail(oracleHandshake, "the answer begins with %q, want %q", h.first, status)
		}
	}
	r.rest = r.rest[end:]
	w.mirror.outgoing.handed += int64(end)
	if w.mirror.role == core.Server {
		w.mirror.releaseHandshake()
	}
}

func (w *witness) judgeOwnRequest(h parsedHead) {
	key := h.get("Sec-WebSocket-Key")
	if w.mirror.shake.key == "" {
		w.mirror.shake.key = key
	}
	if key != w.mirror.shake.key {
		w.fail(oracleEntropy, "the request's key is %q, want %q, of what was drawn", key, w.mirror.shake.key)
	}
	if h.plain && h.judgeRequest() == headWrong {
		w.fail(oracleHandshake, "the request is not a valid handshake: %q %q", h.first, h.fields)
	}
	w.judgeOwnOffers(&h)
}

func (w *witness) judgeOwnAnswer(h parsedHead) {
	if h.judgeResponse(w.mirror.shake.key) == headWrong {
		w.fail(oracleHandshake, "the answer does not accept the key %q: %q %q", w.mirror.shake.key, h.first, h.fields)
	}
	w.judgeOwnChoice(&h)
}

// A parsedHead is an HTTP head as a plain reading of RFC 9112 has it.
type parsedHead struct {
	first  string
	fields []core.Field
	plain  bool // nothing in it is unusual
}

// A headVerdict says what must become of a head. Of one that is unusual, the
// witness leaves it open.
type headVerdict uint8

const (
	headUnclear headVerdict = iota
	headFine
	headWrong
)

func parseHead(text string) parsedHead {
	text, odd := strings.CutPrefix(text, "\r\n")
	h := parsedHead{plain: !odd && strings.HasSuffix(text, "\r\n\r\n")}
	first, rest, _ := strings.Cut(text, "\r\n")
	h.first = first
	h.plain = h.plain && isPlain(first, false)
	for rest != "" && rest != "\r\n" {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		h.plain = h.plain && ok && isPlain(name, true) && isPlain(value, false)
		h.fields = append(h.fields, core.Field{Name: name, Value: strings.Trim(value, " \t")})
	}
	return h
}

// isPlain reports whether s is printable ASCII, or, as a name, letters, digits
// and dashes.
func isPlain(s string, name bool) bool {
	for _, c := range []byte(s) {
		letter := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '-'
		if c < ' ' || c > '~' || name && !letter {
			return false
		}
	}
	return !name || s != ""
}

func (h *parsedHead) get(name string) string {
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func (h *parsedHead) count(name string) int {
	n := 0
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			n++
		}
	}
	return n
}

// usual reports whether nothing but the named fields and Origin, User-Agent, a plain
// list of extensions and those of the application (X-) is there, each once.
func (h *parsedHead) usual(names ...string) bool {
	for _, name := range names {
		if h.count(name) != 1 {
			return false
		}
	}
	for _, f := range h.fields {
		if !h.isUsual(f.Name, names) {
			return false
		}
	}
	return h.plain
}

func (h *parsedHead) isUsual(name string, names []string) bool {
	if len(name) > 2 && strings.EqualFold(name[:2], "X-") {
		return true
	}
	for _, n := range append(names[:len(names):len(names)], "Origin", "User-Agent") {
		if strings.EqualFold(n, name) {
			return h.count(n) == 1
		}
	}
	if strings.EqualFold(name, extensionsField) {
		_, plain := h.extensions()
		return plain
	}
	return false
}

// judgeRequest applies the rules of
// https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1.
func (h *parsedHead) judgeRequest() headVerdict {
	method, rest, _ := strings.Cut(h.first, " ")
	target, proto, _ := strings.Cut(rest, " ")
	key, err := base64.StdEncoding.DecodeString(h.get("Sec-WebSocket-Key"))
	needed := [...]string{"Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"}
	for _, name := range needed {
		if h.count(name) == 0 {
			return headWrong
		}
	}
	switch {
	case method != "GET", h.count("Sec-WebSocket-Key") != 1, h.get("Sec-WebSocket-Version") != "13":
		return headWrong
	case err != nil || len(key) != 16:
		return headWrong
	case proto == "HTTP/1.1" && isSimple(target, "/") && isSimple(h.get("Host"), "") && h.upgrades() && h.usual(needed[:]...):
		return headFine
	}
	return headUnclear
}

func (h *parsedHead) upgrades() bool {
	return strings.EqualFold(h.get("Upgrade"), "websocket") && strings.EqualFold(h.get("Connection"), "Upgrade")
}

// isSimple reports whether s is letters, digits, dots and dashes behind prefix.
func isSimple(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && s != "" && (rest == "" || isPlain(strings.ReplaceAll(rest, ".", "-"), true))
}

// interim reports whether h is a response that precedes the answer
// (https://www.rfc-editor.org/rfc/rfc9110#section-15.2).
func (h *parsedHead) interim() bool {
	status := h.status()
	_, err := strconv.ParseUint(status, 10, 16)
	return err == nil && len(status) == 3 && status[0] == '1' && status != "101"
}

func (h *parsedHead) isHTTP11() bool { return strings.HasPrefix(h.first, "HTTP/1.1 ") }

func (h *parsedHead) status() string {
	_, rest, _ := strings.Cut(h.first, " ")
	status, _, _ := strings.Cut(rest, " ")
	return status
}

// judgeResponse applies the rules of
// https://www.rfc-editor.org/rfc/rfc6455#section-4.1 to the answer to a
// request with key, "" if that is not known.
func (h *parsedHead) judgeResponse(key string) headVerdict {
	accept := h.get("Sec-WebSocket-Accept")
	switch {
	case h.status() != "101", h.count("Sec-WebSocket-Accept") != 1:
		return headWrong
	case key == "":
		return headUnclear
	case accept != acceptOf(key):
		return headWrong
	case h.isHTTP11() && h.upgrades() && h.usual("Upgrade", "Connection", "Sec-WebSocket-Accept"):
		return headFine
	}
	return headUnclear
}

// acceptOf returns the Sec-WebSocket-Accept that answers key
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
