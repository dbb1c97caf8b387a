package core

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/deflate"
)

// read understands the elements of a list of extensions whose syntax is known to be
// good, in another way than the core does: name, then parameters. A value that is not
// there is empty, which none can be that is there.
func read(list string) (elements [][][2]string) {
	for _, element := range split(list, ',') {
		var e [][2]string
		for _, part := range split(element, ';') {
			name, value, has := strings.Cut(part, "=")
			value = strings.Trim(value, " \t")
			if unquoted, ok := strings.CutPrefix(value, `"`); ok {
				value = strings.NewReplacer(`\\`, `\`, `\`, ``).Replace(unquoted[:len(unquoted)-1])
			}
			if has == (value == "") {
				panic(list + " has no good syntax")
			}
			e = append(e, [2]string{strings.Trim(name, " \t"), value})
		}
		if e[0][0] != "" {
			elements = append(elements, e)
		}
	}
	return elements
}

// split splits s at a separator that is not quoted.
func split(s string, separator byte) (parts []string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == separator && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// sizes are what a window may be called.
var sizes = []string{"8", "9", "10", "11", "12", "13", "14", "15"}

// meant returns the parameters of permessage-deflate, by name, and false for an
// element that must be declined (https://www.rfc-editor.org/rfc/rfc7692#section-7).
func meant(e [][2]string, isAnswer bool) (p map[string]int, ok bool) {
	p = make(map[string]int)
	for _, param := range e[1:] {
		name, value := param[0], param[1]
		if _, twice := p[name]; twice {
			return nil, false
		}
		p[name], _ = strconv.Atoi(value)
		bare := value == ""
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			ok = bare
		case "server_max_window_bits":
			ok = slices.Contains(sizes, value)
		case "client_max_window_bits":
			ok = slices.Contains(sizes, value) || bare && !isAnswer
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return p, e[0][0] == deflate.Name && e[0][1] == ""
}

func has(p map[string]int, name string) bool { _, ok := p[name]; return ok }

// sizeIn returns the size that a parameter allows.
func sizeIn(p map[string]int, name string) int {
	if p[name] == 0 || !has(p, name) {
		return 15
	}
	return max(p[name], 8)
}

// Whatever is offered, the first offer that is good is answered, within what it allows
// and what the policy wants; whatever is answered is taken if it is within one of the
// offers, and kept to.
func FuzzNegotiation(f *testing.F) {
	for _, list := range []string{
		"permessage-deflate", "permessage-deflate; client_max_window_bits", "x, permessage-deflate; server_max_window_bits=\"1\\0\" ; client_max_window_bits=8",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover, permessage-deflate", "permessage-deflate; client_max_window_bits=16, permessage-deflate; x=y",
		"permessage-deflate; server_max_window_bits=12", "permessage-deflate; server_no_context_takeover", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
		"permessage-deflate;client_max_window_bits=-",
	} {
		f.Add(list, uint8(12), uint8(12), uint8(0))
		f.Add(list, uint8(15), uint8(8), uint8(3))
	}
	lend := newLender(f)
	f.Fuzz(func(t *testing.T, list string, send, receive, no uint8) {
		policy := Compression{SendWindowBits: 8 + int(send)%8, ReceiveWindowBits: 8 + int(receive)%8, NoSendTakeover: no&1 != 0, NoReceiveTakeover: no&2 != 0, Lend: lend}
		s := settings(t, Config{Compression: &policy})
		fields := fields{{"Sec-WebSocket-Extensions", list}}
		if !fields.areExtensions() {
			return
		}
		checkNegotiation(t, s, &policy, list)
		checkChoice(t, s, &policy, list)
	})
}

// checkNegotiation checks what a server makes of a list of offers.
func checkNegotiation(t *testing.T, s *Settings, policy *Compression, list string) {
	var offer map[string]int
	for _, e := range read(list) {
		if p, ok := meant(e, false); ok {
			offer = p
			break
		}
	}
	text, agreed := s.Negotiate(&Request{Fields: []Field{{"Sec-WebSocket-Extensions", list}}})
	if (agreed == nil) != (offer == nil) || (text == "") != (offer == nil) {
		t.Fatalf("%q is answered %q; offered is %v", list, text, offer)
	}
	if offer == nil {
		return
	}
	answer, ok := meant(read(text)[0], true)
	switch {
	case !ok || len(read(text)) != 1:
		t.Fatalf("%q is answered %q, which is no answer", list, text)
	case has(offer, "server_no_context_takeover") && !has(answer, "server_no_context_takeover"),
		sizeIn(answer, "server_max_window_bits") > sizeIn(offer, "server_max_window_bits"),
		has(answer, "client_max_window_bits") && !has(offer, "client_max_window_bits"),
		sizeIn(answer, "client_max_window_bits") > sizeIn(offer, "client_max_window_bits"):
		t.Fatalf("%q is answered %q, which %v does not allow", list, text, offer)
	case agreed.SendTakeover == has(answer, "server_no_context_takeover"), agreed.ReceiveTakeover == has(answer, "client_no_context_takeover"),
		int(agreed.SendBits) != sizeIn(answer, "server_max_window_bits"), int(agreed.ReceiveBits) != sizeIn(answer, "client_max_window_bits"):
		t.Fatalf("%q is answered %q, and taken for %+v", list, text, agreed)
	case agreed.SendTakeover && policy.NoSendTakeover, int(agreed.SendBits) > policy.SendWindowBits,
		agreed.ReceiveTakeover && (policy.NoReceiveTakeover || int(agreed.ReceiveBits) > policy.ReceiveWindowBits):
		t.Fatalf("%q is answered %q, which is not the policy %+v", list, text, policy)
	}
}

// checkChoice checks what a client makes of a list as an answer.
func checkChoice(t *testing.T, s *Settings, policy *Compression, list string) {
	elements := read(list)
	answer, ok := meant(elements[0], true)
	ok = ok && len(elements) == 1 && slices.ContainsFunc(read(s.Offers()), func(e [][2]string) bool {
		offer, _ := meant(e, false)
		return !(has(offer, "server_no_context_takeover") && !has(answer, "server_no_context_takeover") ||
			has(offer, "server_max_window_bits") && sizeIn(answer, "server_max_window_bits") > sizeIn(offer, "server_max_window_bits") ||
			has(answer, "client_max_window_bits") && (!has(offer, "client_max_window_bits") || sizeIn(answer, "client_max_window_bits") > sizeIn(offer, "client_max_window_bits")))
	})
	agreed, e := s.checkExtensions(fields{{"Sec-WebSocket-Extensions", list}})
	switch {
	case (e == 0) != ok || (agreed != nil) != ok:
		t.Fatalf("the answer %q to %q: %v, %+v", list, s.Offers(), e, agreed)
	case !ok:
	case agreed.SendTakeover && (policy.NoSendTakeover || has(answer, "client_no_context_takeover")),
		int(agreed.SendBits) > min(policy.SendWindowBits, sizeIn(answer, "client_max_window_bits")),
		agreed.ReceiveTakeover == has(answer, "server_no_context_takeover"), int(agreed.ReceiveBits) != sizeIn(answer, "server_max_window_bits"),
		agreed.ReceiveTakeover && int(agreed.ReceiveBits) > policy.ReceiveWindowBits:
		t.Fatalf("the answer %q to %q is taken for %+v", list, s.Offers(), agreed)
	}
}
