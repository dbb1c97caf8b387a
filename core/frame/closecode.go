package frame

// A CloseCode says why a connection was closed
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.4).
//
// Codes from 3000 to 3999 are registered with IANA by libraries and
// frameworks, codes from 4000 to 4999 are free for private use.
type CloseCode uint16

// The codes of RFC 6455 section 7.4.1 and of the IANA registry
// (https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number).
const (
	NormalClosure      CloseCode = 1000 // the purpose of the connection is fulfilled
	GoingAway          CloseCode = 1001 // a server goes down, a browser leaves the page
	ProtocolError      CloseCode = 1002 // the peer broke a rule of the protocol
	UnsupportedData    CloseCode = 1003 // data of a kind that cannot be accepted
	NoStatus           CloseCode = 1005 // never sent: the close frame had no code
	Abnormal           CloseCode = 1006 // never sent: the connection ended without a close frame
	InvalidData        CloseCode = 1007 // data that does not fit its type: text that is not UTF-8
	PolicyViolation    CloseCode = 1008 // a message that violates a policy
	MessageTooBig      CloseCode = 1009 // a message that is too big to process
	MandatoryExtension CloseCode = 1010 // sent by a client: the server lacks an extension
	InternalError      CloseCode = 1011 // an unexpected condition
	ServiceRestart     CloseCode = 1012 // the service restarts
	TryAgainLater      CloseCode = 1013 // the service is overloaded
	BadGateway         CloseCode = 1014 // a gateway got an invalid answer from upstream
	TLSHandshake       CloseCode = 1015 // never sent: the TLS handshake failed
)

// Limits of a control frame in bytes
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5).
const (
	MaxControlPayload = 125                   // payload of any control frame
	MaxReason         = MaxControlPayload - 2 // reason in a close frame
)

// Sendable reports whether c may be in a close frame: 1000 to 1003, 1007 to
// 1014 and 3000 to 4999. The others are reserved, or stand for the absence of
// a code (https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1).
func (c CloseCode) Sendable() bool {
	switch {
	case c < 1000:
		return false
	case c <= UnsupportedData:
		return true
	case c < InvalidData:
		return false
	case c <= BadGateway:
		return true
	}
	return c >= 3000 && c <= 4999
}

// String returns the number of c, and its meaning where it is registered, as
// in "1000 normal closure".
func (c CloseCode) String() string {
	switch c {
	case NormalClosure:
		return "1000 normal closure"
	case GoingAway:
		return "1001 going away"
	case ProtocolError:
		return "1002 protocol error"
	case UnsupportedData:
		return "1003 unsupported data"
	case NoStatus:
		return "1005 no status received"
	case Abnormal:
		return "1006 abnormal closure"
	case InvalidData:
		return "1007 invalid payload data"
	case PolicyViolation:
		return "1008 policy violation"
	case MessageTooBig:
		return "1009 message too big"
	case MandatoryExtension:
		return "1010 mandatory extension"
	case InternalError:
		return "1011 internal error"
	case ServiceRestart:
		return "1012 service restart"
	case TryAgainLater:
		return "1013 try again later"
	case BadGateway:
		return "1014 bad gateway"
	case TLSHandshake:
		return "1015 TLS handshake"
	}
	return c.decimal()
}

func (c CloseCode) decimal() string {
	var digits [5]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(c%10)
		c /= 10
		if c == 0 {
			return string(digits[i:])
		}
	}
}

// ParseClose takes the payload of a close frame apart, already unmasked. The
// reason aliases payload. An empty payload is [NoStatus] without a reason.
//
// The errors are [ErrCloseLength], [ErrCloseCode] and [ErrCloseReason], in
// that order. With the latter two, code is the number that was in the payload;
// reason is nil with every error.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
func ParseClose(payload []byte) (code CloseCode, reason []byte, err error) {
	switch len(payload) {
	case 0:
		return NoStatus, nil, nil
	case 1:
		return 0, nil, ErrCloseLength
	}
	code = CloseCode(payload[0])<<8 | CloseCode(payload[1])
	if !code.Sendable() {
		return code, nil, ErrCloseCode
	}
	if !ValidUTF8(payload[2:]) {
		return code, nil, ErrCloseReason
	}
	return code, payload[2:], nil
}

// AppendClosePayload appends the payload of a close frame to dst. [NoStatus]
// with no reason makes an empty payload.
//
// It returns dst as it was and [ErrCloseCode] for a code that is not
// [CloseCode.Sendable] (NoStatus with a reason included), [ErrReasonTooLong]
// for a reason of more than [MaxReason] bytes, [ErrCloseReason] for one that
// is not UTF-8.
func AppendClosePayload(dst []byte, code CloseCode, reason string) ([]byte, error) {
	if code == NoStatus && reason == "" {
		return dst, nil
	}
	if !code.Sendable() {
		return dst, ErrCloseCode
	}
	if len(reason) > MaxReason {
		return dst, ErrReasonTooLong
	}
	out := append(dst, byte(code>>8), byte(code))
	out = append(out, reason...)
	if !ValidUTF8(out[len(dst)+2:]) {
		return dst, ErrCloseReason
	}
	return out, nil
}
