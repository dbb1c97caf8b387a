package sim

import (
	"strconv"
	"strings"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
)

// compressionPolicy is a core.Compression with the defaults that it documents.
type compressionPolicy struct {
	send, receive                 int // bits
	sendTakeover, receiveTakeover bool
}

func policyOf(c *core.Compression) compressionPolicy {
	p := compressionPolicy{c.SendWindowBits, c.ReceiveWindowBits, !c.NoSendTakeover, !c.NoReceiveTakeover}
	if p.send == 0 {
		p.send = 12
	}
	if p.receive == 0 {
		p.receive = 12
	}
	return p
}

// A deflateOffer is an offer of permessage-deflate, or an answer to one
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.1).
type deflateOffer struct {
	serverNoTakeover, clientNoTakeover bool
	serverBits, clientBits             int  // 15 without the parameter
	saysServer, saysClient             bool // the parameter is there
}

const (
	extensionsField = "Sec-WebSocket-Extensions"
	extensionName   = "permessage-deflate"
)

// A plainExtension is one element of Sec-WebSocket-Extensions.
type plainExtension struct {
	name   string
	params [][2]string // name, and value with its "="
}

// plainExtensions reads a list in which there are no quotes and nothing is left out;
// false for any other.
func plainExtensions(text string) (list []plainExtension, ok bool) {
	for element := range strings.SplitSeq(text, ",") {
		parts := strings.Split(element, ";")
		e := plainExtension{name: strings.TrimSpace(parts[0])}
		if !isPlainToken(e.name) {
			return nil, false
		}
		for _, part := range parts[1:] {
			name, value, has := strings.Cut(strings.TrimSpace(part), "=")
			if !isPlainToken(name) || has && !isPlainToken(value) {
				return nil, false
			}
			if has {
				value = "=" + value
			}
			e.params = append(e.params, [2]string{name, value})
		}
		list = append(list, e)
	}
	return list, true
}

func isPlainToken(s string) bool { return isPlain(strings.ReplaceAll(s, "_", "-"), true) }

// offer returns e as an offer, or an answer, of permessage-deflate; false for another
// extension, and for one that must be declined.
func (e plainExtension) offer(isAnswer bool) (o deflateOffer, ok bool) {
	o = deflateOffer{serverBits: 15, clientBits: 15}
	seen := map[string]bool{}
	ok = e.name == extensionName
	for _, p := range e.params {
		name, value := p[0], p[1]
		bits, err := strconv.Atoi(strings.TrimPrefix(value, "="))
		isBits := err == nil && 8 <= bits && bits <= 15 && value == "="+strconv.Itoa(bits)
		switch name {
		case "server_no_context_takeover":
			o.serverNoTakeover, ok = true, ok && value == ""
		case "client_no_context_takeover":
			o.clientNoTakeover, ok = true, ok && value == ""
		case "server_max_window_bits":
			o.saysServer, o.serverBits, ok = true, bits, ok && isBits
		case "client_max_window_bits":
			o.saysClient = true
			if value != "" {
				o.clientBits = bits
			}
			ok = ok && (isBits || value == "" && !isAnswer)
		default:
			ok = false
		}
		ok = ok && !seen[name]
		seen[name] = true
	}
	return o, ok
}

// accept is what a server agrees to, of the first offer that it can accept; false if
// there is none, or it does not compress.
func accept(c *core.Compression, offers []plainExtension) (agreed deflate.Params, ok bool) {
	if c == nil {
		return agreed, false
	}
	for _, e := range offers {
		o, ok := e.offer(false)
		if !ok {
			continue
		}
		p := policyOf(c)
		receive := 15
		if o.saysClient {
			receive = min(p.receive, o.clientBits)
		}
		return deflate.Params{
			SendBits:        uint8(min(p.send, o.serverBits)),
			ReceiveBits:     uint8(receive),
			SendTakeover:    p.sendTakeover && !o.serverNoTakeover,
			ReceiveTakeover: p.receiveTakeover && !o.clientNoTakeover && (o.saysClient || p.receive == 15),
		}, true
	}
	return agreed, false
}

// tells reports whether a server that agreed on these says so by the answer o.
func (o deflateOffer) tells(agreed deflate.Params) bool {
	return o.serverBits == int(agreed.SendBits) && o.clientBits == int(agreed.ReceiveBits) &&
		o.serverNoTakeover == !agreed.SendTakeover && o.clientNoTakeover == !agreed.ReceiveTakeover
}

// answers reports whether o may answer offer
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.1).
func (o deflateOffer) answers(offer deflateOffer) bool {
	return (o.serverNoTakeover || !offer.serverNoTakeover) &&
		o.serverBits <= offer.serverBits && (o.saysServer || !offer.saysServer) &&
		(!o.saysClient || offer.saysClient && o.clientBits <= offer.clientBits)
}

// chosen is what a client agrees to that made these offers and got this answer; false
// if that answers none of them.
func chosen(c *core.Compression, offers, answer []plainExtension) (agreed deflate.Params, ok bool) {
	if c == nil || len(answer) != 1 {
		return agreed, false
	}
	a, ok := answer[0].offer(true)
	if !ok {
		return agreed, false
	}
	for _, e := range offers {
		if o, isOffer := e.offer(false); isOffer && a.answers(o) {
			p := policyOf(c)
			return deflate.Params{
				SendBits:        uint8(min(p.send, a.clientBits)),
				ReceiveBits:     uint8(a.serverBits),
				SendTakeover:    p.sendTakeover && !a.clientNoTakeover,
				ReceiveTakeover: !a.serverNoTakeover,
			}, true
		}
	}
	return agreed, false
}

// extensions returns what the head says of extensions; false if that is not plain.
func (h *parsedHead) extensions() (list []plainExtension, plain bool) {
	if h.count(extensionsField) == 0 {
		return nil, true
	}
	list, plain = plainExtensions(h.get(extensionsField))
	return list, plain && h.count(extensionsField) == 1
}

// offered notes what a client's head offers.
func (m *mirror) offered(h *parsedHead) {
	offers, plain := h.extensions()
	m.shake.offers, m.shake.unclear = offers, !plain
}

// judgeChoice judges what a server chose of a client's offers.
func (m *mirror) judgeChoice(h *parsedHead) headVerdict {
	if h.count(extensionsField) == 0 {
		return headFine
	}
	answer, plain := h.extensions()
	if m.shake.unclear || !plain {
		return headUnclear
	}
	if _, ok := chosen(m.cfg, m.shake.offers, answer); !ok {
		return headWrong
	}
	return headFine
}

// agreeOnChoice has a client compress by the answer that it has taken.
func (w *witness) agreeOnChoice(h *parsedHead) {
	m := &w.mirror
	answer, plain := h.extensions()
	if m.shake.unclear || !plain {
		w.agreeAsMachine()
		return
	}
	agreed, ok := chosen(m.cfg, m.shake.offers, answer)
	w.agree(agreed, ok)
}

// agreeOnOffer has a server compress by the offer that it accepts.
func (w *witness) agreeOnOffer() {
	m := &w.mirror
	if m.shake.unclear {
		w.agreeAsMachine()
		return
	}
	agreed, ok := accept(m.cfg, m.shake.offers)
	w.agree(agreed, ok)
}

// agreeAsMachine takes the machine's word for what was agreed on in a way that is not
// plain.
func (w *witness) agreeAsMachine() {
	agreed, ok := compressionOf(w.m)
	w.agree(agreed, ok && w.mirror.cfg != nil)
}

// agree notes what was agreed on, if anything was, and that the machine agrees.
func (w *witness) agree(agreed deflate.Params, ok bool) {
	if got, compresses := compressionOf(w.m); got != agreed || compresses != ok {
		w.fail(oracleHandshake, "compression is on: %t, %+v; want %t, %+v", compresses, got, ok, agreed)
	}
	if ok {
		w.mirror.compression = newMirrorCompression(w.mirror.cfg, agreed)
	}
}

// judgeOwnOffers judges what a client offers: what bounds its memory as its policy
// does, whatever the server makes of it.
func (w *witness) judgeOwnOffers(h *parsedHead) {
	m := &w.mirror
	m.offered(h)
	if m.cfg == nil || m.shake.unclear {
		if h.count(extensionsField) > 0 {
			w.fail(oracleHandshake, "the request offers %q", h.get(extensionsField))
		}
		return
	}
	p := policyOf(m.cfg)
	for _, e := range m.shake.offers {
		o, ok := e.offer(false)
		bounded := o.serverBits <= p.receive && (p.receiveTakeover || o.serverNoTakeover) || o.serverNoTakeover
		if !ok || !bounded || o.clientBits < p.send || o.clientNoTakeover == p.sendTakeover {
			w.fail(oracleHandshake, "the request offers %q, which is not %+v", h.get(extensionsField), p)
		}
	}
	if len(m.shake.offers) == 0 {
		w.fail(oracleHandshake, "the request offers no compression")
	}
}

// judgeOwnChoice judges what a server says of what it has agreed on.
func (w *witness) judgeOwnChoice(h *parsedHead) {
	m := &w.mirror
	answer, plain := h.extensions()
	if m.compression == nil {
		if h.count(extensionsField) > 0 {
			w.fail(oracleHandshake, "the answer chooses %q", h.get(extensionsField))
		}
		return
	}
	if !plain || len(answer) != 1 {
		w.fail(oracleHandshake, "the answer chooses %q", h.get(extensionsField))
		return
	}
	choice, ok := answer[0].offer(true)
	for _, e := range m.shake.offers {
		if o, isOffer := e.offer(false); isOffer && !m.shake.unclear {
			ok = ok && choice.answers(o)
			break
		}
	}
	if !ok || !choice.tells(m.compression.agreed) {
		w.fail(oracleHandshake, "the answer chooses %q, which is not %+v", h.get(extensionsField), m.compression.agreed)
	}
}
