package abi

import "github.com/fb1e3c20/websockets/core/deflate"

// The parts of an agreement: what both sides of a connection that compresses have
// agreed on, in one number. 0 is that nothing is compressed.
const (
	receiveBitsAt     = 8
	sendTakeoverAt    = 1 << 16
	receiveTakeoverAt = 1 << 17
)

// AgreementOf returns the agreement that is p, 0 for nil.
func AgreementOf(p *deflate.Params) (agreement uint32) {
	if p == nil {
		return 0
	}
	agreement = uint32(p.SendBits) | uint32(p.ReceiveBits)<<receiveBitsAt
	if p.SendTakeover {
		agreement |= sendTakeoverAt
	}
	if p.ReceiveTakeover {
		agreement |= receiveTakeoverAt
	}
	return agreement
}

// ParamsOf returns what an agreement that is not 0 says; false if it is none.
func ParamsOf(agreement uint32) (p deflate.Params, ok bool) {
	p = deflate.Params{
		SendBits:        uint8(agreement),
		ReceiveBits:     uint8(agreement >> receiveBitsAt),
		SendTakeover:    agreement&sendTakeoverAt != 0,
		ReceiveTakeover: agreement&receiveTakeoverAt != 0,
	}
	return p, isWindow(uint32(p.SendBits)) && isWindow(uint32(p.ReceiveBits)) && AgreementOf(&p) == agreement
}

func isWindow(bits uint32) bool {
	return bits >= deflate.MinWindowBits && bits <= deflate.MaxWindowBits
}
