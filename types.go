package websockets

import "github.com/fb1e3c20/websockets/core/frame"

// A MessageType is [Text] or [Binary].
type MessageType = frame.Opcode

// The types of messages (https://www.rfc-editor.org/rfc/rfc6455#section-5.6).
const (
	Text   = frame.Text   // UTF-8, checked in both directions
	Binary = frame.Binary // any bytes
)

// A Message is what Conn.Receive returns, in one value.
type Message struct {
	Type MessageType
	// Data belongs to whoever was given the Message; with Options.LendMessages only
	// until OnMessage returns.
	Data []byte
}

// A CloseCode tells why a connection is closed
// (https://www.rfc-editor.org/rfc/rfc6455#section-7.4).
type CloseCode = frame.CloseCode

// The registered close codes. 3000-3999 are for libraries and frameworks,
// 4000-4999 for applications. NoStatus, Abnormal and TLSHandshake are never
// sent.
const (
	NormalClosure      = frame.NormalClosure
	GoingAway          = frame.GoingAway
	ProtocolError      = frame.ProtocolError
	UnsupportedData    = frame.UnsupportedData
	NoStatus           = frame.NoStatus
	Abnormal           = frame.Abnormal
	InvalidData        = frame.InvalidData
	PolicyViolation    = frame.PolicyViolation
	MessageTooBig      = frame.MessageTooBig
	MandatoryExtension = frame.MandatoryExtension
	InternalError      = frame.InternalError
	ServiceRestart     = frame.ServiceRestart
	TryAgainLater      = frame.TryAgainLater
	BadGateway         = frame.BadGateway
	TLSHandshake       = frame.TLSHandshake
)
