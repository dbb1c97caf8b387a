package core

import "github.com/fb1e3c20/websockets/core/frame"

// Error is every error of this package: a comparable value, free of allocation,
// to be matched with == or errors.Is. [Error.Kind] sorts them.
type Error uint8

// Misuse: the call was refused and changed nothing.
const (
	_ Error = iota

	// ErrNotOpen: the handshake is not done yet, or the connection is over.
	ErrNotOpen
	// ErrCloseSent: a close frame was sent; no frame may follow it
	// (https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1).
	ErrCloseSent
	// ErrInvalidOpcode: messages are text or binary.
	ErrInvalidOpcode
	// ErrMessageInProgress: a fragmented message must be ended before
	// another one begins.
	ErrMessageInProgress
	// ErrNoMessage: a continuation was given without a message begun.
	ErrNoMessage
	// ErrControlTooLong: a control frame carries at most 125 bytes.
	ErrControlTooLong
	// ErrUnsendableCode: the close code may not be put on the wire.
	ErrUnsendableCode
	// ErrInvalidText: the text to be sent is not UTF-8.
	ErrInvalidText
	// ErrTooLong: a message longer than 1 GiB cannot be sent in one frame.
	ErrTooLong
	// ErrNoRequest: Accept and Reject are for a server that has just
	// reported EventRequest.
	ErrNoRequest
	// ErrHandshakeOption: a host, target, header field, status or
	// subprotocol that was given is not valid in HTTP, or is one that the
	// handshake itself sets.
	ErrHandshakeOption
	// ErrSubprotocolNotOffered: Accept was given a subprotocol that the
	// client did not ask for.
	ErrSubprotocolNotOffered
)

// The peer broke RFC 6455 or a limit; the connection fails with
// [Error.CloseCode].
const (
	// ErrReservedBits: a reserved bit is set without an extension that
	// defines it.
	ErrReservedBits Error = iota + 32
	// ErrOpcode: an opcode that RFC 6455 reserves.
	ErrOpcode
	// ErrMaskRequired: a frame of a client is not masked.
	ErrMaskRequired
	// ErrMaskForbidden: a frame of a server is masked.
	ErrMaskForbidden
	// ErrLengthNotMinimal: a length is encoded in more bytes than it needs.
	ErrLengthNotMinimal
	// ErrLengthTopBit: the top bit of a 64-bit length is set.
	ErrLengthTopBit
	// ErrControlFragmented: a control frame without FIN.
	ErrControlFragmented
	// ErrControlLength: a control frame of more than 125 bytes.
	ErrControlLength
	// ErrUnexpectedContinuation: a continuation without a message begun.
	ErrUnexpectedContinuation
	// ErrExpectedContinuation: a new message inside a fragmented one.
	ErrExpectedContinuation
	// ErrCloseLength: a close payload of one byte.
	ErrCloseLength
	// ErrCloseCode: a close code that may not be on the wire.
	ErrCloseCode
	// ErrCloseReason: a close reason that is not UTF-8.
	ErrCloseReason
	// ErrInvalidUTF8: a text message that is not UTF-8.
	ErrInvalidUTF8
	// ErrFrameTooBig: a frame longer than Config.MaxFrameSize.
	ErrFrameTooBig
	// ErrMessageTooBig: a message longer than Config.MaxMessageSize.
	ErrMessageTooBig
	// ErrTooManyFragments: a message of more than Config.MaxFragments.
	ErrTooManyFragments
	// ErrControlFlood: more control frames than Config.MaxControlRate.
	ErrControlFlood
	// ErrInflate: compressed data that cannot be decompressed.
	ErrInflate
)

// A timer of the core ran out.
const (
	// ErrHandshakeTimeout: no complete handshake in time.
	ErrHandshakeTimeout Error = iota + 64
	// ErrPongTimeout: no byte followed a ping in time.
	ErrPongTimeout
	// ErrConnectionTimeout: the peer was silent for too long.
	ErrConnectionTimeout
	// ErrWriteTimeout: the peer took none of our bytes for too long.
	ErrWriteTimeout
	// ErrCloseTimeout: the peer did not answer our close in time.
	ErrCloseTimeout
)

// The transport was lost.
const (
	// ErrLost: the stream ended without a close frame (RFC 6455 code 1006).
	ErrLost Error = iota + 80
	// ErrHandshakeLost: the stream ended during the handshake.
	ErrHandshakeLost
)

// The opening handshake was refused or not understood. A server has sent the
// HTTP status that [Error.Status] tells.
const (
	// ErrBadRequest: not an HTTP/1.1 request, or a malformed one.
	ErrBadRequest Error = iota + 96
	// ErrMethod: the method is not GET.
	ErrMethod
	// ErrHTTPVersion: below HTTP/1.1.
	ErrHTTPVersion
	// ErrHost: the Host header is missing, repeated or malformed.
	ErrHost
	// ErrRequestBody: an upgrade request must not carry a body.
	ErrRequestBody
	// ErrUpgradeHeader: no Upgrade header that lists websocket.
	ErrUpgradeHeader
	// ErrConnectionHeader: no Connection header that lists Upgrade.
	ErrConnectionHeader
	// ErrVersion: Sec-WebSocket-Version is missing, repeated or not 13.
	ErrVersion
	// ErrKey: Sec-WebSocket-Key is missing, repeated or not 16 bytes in base64.
	ErrKey
	// ErrProtocolHeader: Sec-WebSocket-Protocol is not a list of distinct tokens.
	ErrProtocolHeader
	// ErrExtensionsHeader: Sec-WebSocket-Extensions is malformed.
	ErrExtensionsHeader
	// ErrHeadTooBig: the head is longer than Config.MaxHeadBytes or has
	// more lines than Config.MaxHeadLines.
	ErrHeadTooBig
	// ErrRejected: the application refused the request ([Conn.Reject]).
	ErrRejected

	// ErrBadResponse: not an HTTP/1.1 response, or a malformed one.
	ErrBadResponse
	// ErrStatus: the server answered with a status other than 101.
	ErrStatus
	// ErrResponseUpgrade: the response lacks Upgrade: websocket or
	// Connection: Upgrade.
	ErrResponseUpgrade
	// ErrAcceptKey: Sec-WebSocket-Accept is missing, repeated or wrong.
	ErrAcceptKey
	// ErrResponseProtocol: the server chose a subprotocol that was not offered.
	ErrResponseProtocol
	// ErrResponseExtension: the server chose an extension that was not offered.
	ErrResponseExtension

	// ErrConnectMethod: over HTTP/2 and HTTP/3 the method is not CONNECT.
	ErrConnectMethod
	// ErrConnectProtocol: the :protocol of a CONNECT request is missing, or is
	// not websocket.
	ErrConnectProtocol
	// ErrConnectStatus: the server answered a CONNECT with a status other than 2xx.
	ErrConnectStatus
)

// Kind sorts errors by who must act.
type Kind uint8

const (
	KindNone      Kind = iota
	KindMisuse         // the caller's mistake; nothing changed
	KindViolation      // the peer broke the protocol or a limit
	KindTimeout        // a timer ran out
	KindLost           // the transport ended
	KindHandshake      // the opening handshake failed
)

// Kind returns the kind of e.
func (e Error) Kind() Kind {
	switch {
	case e == 0:
		return KindNone
	case e < 32:
		return KindMisuse
	case e < 64:
		return KindViolation
	case e < 80:
		return KindTimeout
	case e < 96:
		return KindLost
	}
	return KindHandshake
}

// CloseCode returns the code of the close frame that e is answered with: 1002,
// 1007, 1008 or 1009 for what the peer did, 1001 for a silent peer
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1), and 1006 where no
// close frame can be sent.
func (e Error) CloseCode() frame.CloseCode {
	switch e {
	case ErrInvalidUTF8, ErrCloseReason, ErrInflate:
		return frame.InvalidData
	case ErrFrameTooBig, ErrMessageTooBig:
		return frame.MessageTooBig
	case ErrTooManyFragments, ErrControlFlood:
		return frame.PolicyViolation
	case ErrPongTimeout, ErrConnectionTimeout:
		return frame.GoingAway
	}
	if e.Kind() == KindViolation {
		return frame.ProtocolError
	}
	return frame.Abnormal
}

// Status returns the HTTP status with which a server refuses a handshake that
// failed with e, and 0 for every other error.
func (e Error) Status() int {
	switch e {
	case ErrMethod, ErrConnectMethod:
		return 405
	case ErrConnectProtocol:
		return 501
	case ErrHTTPVersion:
		return 505
	case ErrUpgradeHeader, ErrConnectionHeader, ErrVersion:
		return 426
	case ErrHeadTooBig:
		return 431
	case ErrBadRequest, ErrHost, ErrRequestBody, ErrKey, ErrProtocolHeader, ErrExtensionsHeader:
		return 400
	case ErrHandshakeTimeout:
		return 408
	}
	return 0
}

var errorTexts = [256]string{
	ErrNotOpen:               "the connection is not open",
	ErrCloseSent:             "a close frame has been sent",
	ErrInvalidOpcode:         "a message is either text or binary",
	ErrMessageInProgress:     "a fragmented message is in progress",
	ErrNoMessage:             "no fragmented message is in progress",
	ErrControlTooLong:        "a control frame carries at most 125 bytes, a close reason at most 123",
	ErrUnsendableCode:        "the close code may not be sent; use 1000-1003, 1007-1014 or 3000-4999",
	ErrInvalidText:           "a text message or close reason must be valid UTF-8",
	ErrTooLong:               "a message is at most 1 GiB long",
	ErrNoRequest:             "there is no handshake request to answer",
	ErrHandshakeOption:       "a host, target, header field, status or subprotocol is not valid, or is set by the handshake itself",
	ErrSubprotocolNotOffered: "the client did not offer this subprotocol",

	ErrReservedBits:           "reserved bit set without an extension",
	ErrOpcode:                 "reserved opcode",
	ErrMaskRequired:           "client frame is not masked",
	ErrMaskForbidden:          "server frame is masked",
	ErrLengthNotMinimal:       "frame length is not minimally encoded",
	ErrLengthTopBit:           "top bit of the frame length is set",
	ErrControlFragmented:      "control frame is fragmented",
	ErrControlLength:          "control frame is longer than 125 bytes",
	ErrUnexpectedContinuation: "continuation without a message",
	ErrExpectedContinuation:   "new message inside a fragmented one",
	ErrCloseLength:            "close payload of one byte",
	ErrCloseCode:              "invalid close code",
	ErrCloseReason:            "close reason is not valid UTF-8",
	ErrInvalidUTF8:            "text is not valid UTF-8",
	ErrFrameTooBig:            "frame is too big",
	ErrMessageTooBig:          "message is too big",
	ErrTooManyFragments:       "message has too many fragments",
	ErrControlFlood:           "too many control frames",
	ErrInflate:                "compressed data is corrupt",

	ErrHandshakeTimeout:  "the handshake timed out",
	ErrPongTimeout:       "no answer to a ping in time",
	ErrConnectionTimeout: "the peer was silent for too long",
	ErrWriteTimeout:      "the peer did not take our output for too long",
	ErrCloseTimeout:      "the peer did not answer our close in time",

	ErrLost:          "the connection ended without a close frame",
	ErrHandshakeLost: "the connection ended during the handshake",

	ErrBadRequest:       "malformed HTTP request",
	ErrMethod:           "the request method is not GET",
	ErrHTTPVersion:      "the request is not HTTP/1.1",
	ErrHost:             "the Host header is missing, repeated or malformed",
	ErrRequestBody:      "an upgrade request must not have a body",
	ErrUpgradeHeader:    "the Upgrade header does not list websocket",
	ErrConnectionHeader: "the Connection header does not list Upgrade",
	ErrVersion:          "Sec-WebSocket-Version is not 13",
	ErrKey:              "Sec-WebSocket-Key is not one base64 value of 16 bytes",
	ErrProtocolHeader:   "Sec-WebSocket-Protocol is not a list of distinct tokens",
	ErrExtensionsHeader: "Sec-WebSocket-Extensions is malformed",
	ErrHeadTooBig:       "the handshake head is too big",
	ErrRejected:         "the request was rejected",

	ErrBadResponse:       "malformed HTTP response",
	ErrStatus:            "the server did not switch protocols",
	ErrResponseUpgrade:   "the response lacks Upgrade: websocket or Connection: Upgrade",
	ErrAcceptKey:         "Sec-WebSocket-Accept does not answer our key",
	ErrResponseProtocol:  "the server chose a subprotocol that was not offered",
	ErrResponseExtension: "the server chose an extension that was not offered",

	ErrConnectMethod:   "over HTTP/2 and HTTP/3 a WebSocket is opened by an extended CONNECT request (RFC 8441)",
	ErrConnectProtocol: "the :protocol of the CONNECT request is not websocket",
	ErrConnectStatus:   "the server did not open the WebSocket",
}

// Reason returns what was wrong in a few words, as a violation's close frame
// carries them.
func (e Error) Reason() string { return errorTexts[e] }

func (e Error) Error() string {
	if errorTexts[e] == "" {
		return "websocket: unknown error"
	}
	return "websocket: " + errorTexts[e]
}
