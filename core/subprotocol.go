package core

// maxSubprotocols bounds the subprotocols of one request, so that finding a
// repeated one stays cheap.
const maxSubprotocols = 64

// distinctTokens collects tokens and refuses a repeated one. Case matters
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1, item 10).
type distinctTokens struct {
	seen [maxSubprotocols]string
	n    int
}

func (d *distinctTokens) add(s string) Error {
	if !isToken(s) {
		return ErrProtocolHeader
	}
	for _, earlier := range d.seen[:d.n] {
		if s == earlier {
			return ErrProtocolHeader
		}
	}
	if d.n == len(d.seen) {
		return ErrHeadTooBig
	}
	d.seen[d.n] = s
	d.n++
	return 0
}

// checkSubprotocols checks Sec-WebSocket-Protocol of a request.
func (list fields) checkSubprotocols() Error {
	var tokens distinctTokens
	present := false
	for value := range list.values("Sec-WebSocket-Protocol") {
		present = true
		for element, rest := cutElement(value); element != ""; element, rest = cutElement(rest) {
			if err := tokens.add(element); err != 0 {
				return err
			}
		}
	}
	if present && tokens.n == 0 {
		return ErrProtocolHeader
	}
	return 0
}

func areSubprotocols(names []string) bool {
	var tokens distinctTokens
	for _, name := range names {
		if tokens.add(name) != 0 {
			return false
		}
	}
	return true
}

func (list fields) offers(subprotocol string) bool {
	for value := range list.values("Sec-WebSocket-Protocol") {
		for element, rest := cutElement(value); element != ""; element, rest = cutElement(rest) {
			if element == subprotocol {
				return true
			}
		}
	}
	return false
}
