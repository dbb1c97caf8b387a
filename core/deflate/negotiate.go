package deflate

// Name is that of the extension
// (https://www.rfc-editor.org/rfc/rfc7692#section-7).
const Name = "permessage-deflate"

// The least and the largest window, as powers of two
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2).
const (
	MinWindowBits = 8
	MaxWindowBits = 15
)

// Params are what one side does, or lets the other side do, with what it compresses;
// and what two sides have agreed on, as one of them sees it.
type Params struct {
	// SendBits and ReceiveBits are the sizes of the windows, 8 to 15: what is sent,
	// and what is received, refers no further back than 2 to that power.
	SendBits, ReceiveBits uint8

	// SendTakeover and ReceiveTakeover say that a message may refer to those
	// before it. A window must then be kept between messages.
	SendTakeover, ReceiveTakeover bool
}

// Valid reports whether p has windows of 8 to 15 bits.
func (p Params) Valid() bool {
	return MinWindowBits <= p.SendBits && p.SendBits <= MaxWindowBits && MinWindowBits <= p.ReceiveBits && p.ReceiveBits <= MaxWindowBits
}

// A Param is a parameter of an extension, as it was written.
type Param struct {
	Name, Value string
	HasValue    bool // a parameter without a value is another one than one with an empty value
}

// An offer, or an answer, is a list of parameters that was understood. Bits are 0
// without the parameter.
type offer struct {
	serverNoTakeover, clientNoTakeover bool
	serverBits, clientBits             uint8
	clientBitsOpen                     bool // client_max_window_bits without a value
}

// parse understands parameters; false for one that is unknown, occurs twice or has a
// value that it must not have
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.1).
func parse(params func(yield func(Param) bool), isAnswer bool) (o offer, ok bool) {
	ok = true
	for p := range params {
		switch p.Name {
		case "server_no_context_takeover":
			ok = ok && set(&o.serverNoTakeover, p)
		case "client_no_context_takeover":
			ok = ok && set(&o.clientNoTakeover, p)
		case "server_max_window_bits":
			ok = ok && setBits(&o.serverBits, p)
		case "client_max_window_bits":
			if open := !p.HasValue && !isAnswer; open {
				ok = ok && !o.clientBitsOpen && o.clientBits == 0
				o.clientBitsOpen = true
			} else {
				ok = ok && !o.clientBitsOpen && setBits(&o.clientBits, p)
			}
		default:
			ok = false
		}
	}
	return o, ok
}

// set notes a parameter that has no value, once.
func set(flag *bool, p Param) bool {
	again := *flag
	*flag = true
	return !again && !p.HasValue
}

// setBits notes a size: 8 to 15, in decimal without leading zeros, once.
func setBits(bits *uint8, p Param) bool {
	n := parseBits(p.Value)
	if *bits != 0 || !p.HasValue || n == 0 {
		return false
	}
	*bits = n
	return true
}

// parseBits returns 0 for what is no size.
func parseBits(s string) uint8 {
	switch {
	case len(s) == 1 && (s == "8" || s == "9"):
		return s[0] - '0'
	case len(s) == 2 && s[0] == '1' && '0' <= s[1] && s[1] <= '5':
		return 10 + s[1] - '0'
	}
	return 0
}

// Answer is what a server with the given policy makes of an offer. It appends the
// extension for the response to dst and returns what has been agreed on; false if it
// declines the offer, which it does for parameters that are not valid alone.
//
// A client that does not offer to limit its window is asked to do without context
// takeover if the policy has less room than 32 KiB: so no connection keeps more
// between messages than the policy says.
func (policy Params) Answer(dst []byte, params func(yield func(Param) bool)) (answer []byte, agreed Params, ok bool) {
	o, ok := parse(params, false)
	if !ok {
		return dst, Params{}, false
	}
	agreed = Params{
		SendBits:        min(policy.SendBits, orMax(o.serverBits)),
		ReceiveBits:     MaxWindowBits,
		SendTakeover:    policy.SendTakeover && !o.serverNoTakeover,
		ReceiveTakeover: policy.ReceiveTakeover && !o.clientNoTakeover,
	}
	canLimit := o.clientBitsOpen || o.clientBits > 0
	if canLimit {
		agreed.ReceiveBits = min(policy.ReceiveBits, orMax(o.clientBits))
	} else if policy.ReceiveBits < MaxWindowBits {
		agreed.ReceiveTakeover = false
	}
	return appendExtension(dst, offer{
		serverNoTakeover: !agreed.SendTakeover,
		clientNoTakeover: !agreed.ReceiveTakeover,
		serverBits:       unlessMax(agreed.SendBits, o.serverBits > 0),
		clientBits:       unlessMax(agreed.ReceiveBits, o.clientBits > 0),
	}), agreed, true
}

// AppendOffers appends what a client with the given policy offers: what it wants, and
// behind it, where a server might not be able to limit its window, the same without
// context takeover of the server, which takes no room between messages either; last,
// for servers that insist on a window of their own for the client, that one in which
// any size may be named
// (https://www.rfc-editor.org/rfc/rfc7692#section-5.1).
func (policy Params) AppendOffers(dst []byte) []byte {
	for i, o := range policy.offers() {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendExtension(dst, o)
	}
	return dst
}

// offers returns those of AppendOffers, the preferred first.
func (policy Params) offers() []offer {
	first := offer{
		serverNoTakeover: !policy.ReceiveTakeover,
		clientNoTakeover: !policy.SendTakeover,
		serverBits:       unlessMax(policy.ReceiveBits, false),
		clientBits:       unlessMax(policy.SendBits, false),
		clientBitsOpen:   policy.SendBits == MaxWindowBits,
	}
	list := []offer{first}
	o := first
	if o.serverBits > 0 {
		o.serverNoTakeover, o.serverBits = true, 0
		list = append(list, o)
	}
	if o.clientBits > 0 {
		o.clientBits, o.clientBitsOpen = 0, true
		list = append(list, o)
	}
	return list
}

// Check is what a client with the given policy makes of the server's answer to
// [Params.AppendOffers]: what has been agreed on; false if it is no answer to any of
// the offers, and the connection must fail.
func (policy Params) Check(params func(yield func(Param) bool)) (agreed Params, ok bool) {
	answer, ok := parse(params, true)
	if !ok {
		return Params{}, false
	}
	for _, o := range policy.offers() {
		if answer.answers(o) {
			return Params{
				SendBits:        min(policy.SendBits, orMax(answer.clientBits)),
				ReceiveBits:     orMax(answer.serverBits),
				SendTakeover:    policy.SendTakeover && !answer.clientNoTakeover,
				ReceiveTakeover: !answer.serverNoTakeover,
			}, true
		}
	}
	return Params{}, false
}

// answers reports whether a server may answer so to an offer: it grants what is asked
// of it, and asks no more of the client than that has offered.
func (answer offer) answers(o offer) bool {
	switch {
	case o.serverNoTakeover && !answer.serverNoTakeover:
		return false
	case o.serverBits > 0 && (answer.serverBits == 0 || answer.serverBits > o.serverBits):
		return false
	case answer.clientBits > 0 && o.clientBits == 0 && !o.clientBitsOpen:
		return false
	case answer.clientBits > 0 && answer.clientBits > orMax(o.clientBits):
		return false
	}
	return true
}

func orMax(bits uint8) uint8 {
	if bits == 0 {
		return MaxWindowBits
	}
	return bits
}

// unlessMax returns bits, or 0 where a parameter would say nothing.
func unlessMax(bits uint8, asked bool) uint8 {
	if bits == MaxWindowBits && !asked {
		return 0
	}
	return bits
}

func appendExtension(dst []byte, o offer) []byte {
	dst = append(dst, Name...)
	if o.serverNoTakeover {
		dst = append(dst, "; server_no_context_takeover"...)
	}
	if o.clientNoTakeover {
		dst = append(dst, "; client_no_context_takeover"...)
	}
	if o.serverBits > 0 {
		dst = appendBits(append(dst, "; server_max_window_bits="...), o.serverBits)
	}
	switch {
	case o.clientBits > 0:
		dst = appendBits(append(dst, "; client_max_window_bits="...), o.clientBits)
	case o.clientBitsOpen:
		dst = append(dst, "; client_max_window_bits"...)
	}
	return dst
}

func appendBits(dst []byte, bits uint8) []byte {
	if bits >= 10 {
		return append(dst, '1', '0'+bits-10)
	}
	return append(dst, '0'+bits)
}
