package frame

// An Error says which rule of the frame layer was broken. It is comparable
// (err == frame.ErrOpcode, or [errors.Is]) and making an error of it allocates
// nothing.
type Error uint8

// What the functions of this package return. All but [ErrReasonTooLong] name a
// violation by the peer when they come from parsing, and a misuse by the
// caller when they come from appending.
const (
	// ErrReservedBits: RSV1, RSV2 or RSV3 is set and no extension in use
	// gives it a meaning in this frame.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
	ErrReservedBits Error = iota + 1

	// ErrOpcode: the opcode is one of the reserved.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
	ErrOpcode

	// ErrMaskRequired: a client sent a frame that is not masked.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.1
	ErrMaskRequired

	// ErrMaskForbidden: a server sent a masked frame.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.1
	ErrMaskForbidden

	// ErrLengthNotMinimal: the payload length takes more bytes than it needs.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
	ErrLengthNotMinimal

	// ErrLengthTopBit: the most significant bit of a 64-bit length is set.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
	ErrLengthTopBit

	// ErrControlFragmented: a control frame without FIN.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.5
	ErrControlFragmented

	// ErrControlLength: a control frame with a payload above
	// [MaxControlPayload].
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.5
	ErrControlLength

	// ErrCloseLength: the payload of a close frame has 1 byte, half a code.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
	ErrCloseLength

	// ErrCloseCode: the code of a close frame is one that must not be sent.
	// https://www.rfc-editor.org/rfc/rfc6455#section-7.4
	ErrCloseCode

	// ErrCloseReason: the reason in a close frame is not UTF-8.
	// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
	ErrCloseReason

	// ErrInvalidUTF8: a text message is not UTF-8.
	// https://www.rfc-editor.org/rfc/rfc6455#section-8.1
	ErrInvalidUTF8

	// ErrReasonTooLong: the reason given to [AppendClosePayload] is above
	// [MaxReason].
	ErrReasonTooLong
)

var errorTexts = [...]string{
	ErrReservedBits:      "websocket: a reserved bit is set that no extension in use defines",
	ErrOpcode:            "websocket: reserved opcode",
	ErrMaskRequired:      "websocket: frame from a client is not masked",
	ErrMaskForbidden:     "websocket: frame from a server is masked",
	ErrLengthNotMinimal:  "websocket: payload length is not in its shortest form",
	ErrLengthTopBit:      "websocket: most significant bit of the 64-bit payload length is set",
	ErrControlFragmented: "websocket: control frame is fragmented",
	ErrControlLength:     "websocket: control frame payload is longer than 125 bytes",
	ErrCloseLength:       "websocket: close frame payload has 1 byte, too short for a close code",
	ErrCloseCode:         "websocket: close code is not allowed in a close frame",
	ErrCloseReason:       "websocket: close reason is not valid UTF-8",
	ErrInvalidUTF8:       "websocket: text message is not valid UTF-8",
	ErrReasonTooLong:     "websocket: close reason is longer than 123 bytes",
}

// Error says what was wrong. The text begins with "websocket: ".
func (e Error) Error() string {
	if e == 0 || int(e) >= len(errorTexts) {
		return "websocket: unknown frame error"
	}
	return errorTexts[e]
}

// CloseCode returns the code of the close frame that answers a peer which
// broke the rule: [InvalidData] for what is not UTF-8, [ProtocolError] for the
// rest. It returns 0 for [ErrReasonTooLong], which no peer can cause.
func (e Error) CloseCode() CloseCode {
	switch e {
	case ErrCloseReason, ErrInvalidUTF8:
		return InvalidData
	case 0, ErrReasonTooLong:
		return 0
	}
	return ProtocolError
}
