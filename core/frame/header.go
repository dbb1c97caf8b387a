package frame

// MaxHeaderLen is the length in bytes of the longest header: two bytes, a
// 64-bit length and a mask.
const MaxHeaderLen = 2 + 8 + 4

const (
	finBit  = 0x80
	rsv1Bit = 0x40
	rsv2Bit = 0x20
	rsv3Bit = 0x10
	maskBit = 0x80

	length16 = 126 // the 7-bit length that says: a 16-bit length follows
	length64 = 127 // a 64-bit length follows
)

// A Header is what precedes the payload of a frame
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
type Header struct {
	Fin    bool   // the last frame of its message
	RSV1   bool   // reserved; permessage-deflate: the message is compressed
	RSV2   bool   // reserved
	RSV3   bool   // reserved
	Opcode Opcode // four bits; the functions that append drop the rest
	Masked bool   // Mask is on the wire and over the payload
	Mask   Mask   // zero unless Masked
	Length int64  // of the payload, in bytes; below 0 it is taken as 0
}

// Len returns the length in bytes of the encoded header.
func (h Header) Len() int {
	n := 2
	switch {
	case h.Length > 0xFFFF:
		n += 8
	case h.Length > MaxControlPayload:
		n += 2
	}
	if h.Masked {
		n += len(h.Mask)
	}
	return n
}

// AppendHeader appends h to dst, its length in the shortest form. It checks no
// rule: see [Header.Check].
func AppendHeader(dst []byte, h Header) []byte { return h.Append(dst) }

// Append is [AppendHeader] without the copy of h.
func (h *Header) Append(dst []byte) []byte {
	first := byte(h.Opcode&0xF) | bit(h.Fin, finBit) | bit(h.RSV1, rsv1Bit) | bit(h.RSV2, rsv2Bit) | bit(h.RSV3, rsv3Bit)
	masked := bit(h.Masked, maskBit)
	n := uint64(max(h.Length, 0))
	switch {
	case n <= MaxControlPayload:
		dst = append(dst, first, masked|byte(n))
	case n <= 0xFFFF:
		dst = append(dst, first, masked|length16, byte(n>>8), byte(n))
	default:
		dst = append(dst, first, masked|length64,
			byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32),
			byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	if h.Masked {
		dst = append(dst, h.Mask[0], h.Mask[1], h.Mask[2], h.Mask[3])
	}
	return dst
}

func bit(set bool, b byte) byte {
	if set {
		return b
	}
	return 0
}

// ParseHeader decodes the header at the beginning of b. n is its length in
// bytes. n == 0 without an error means that b holds only a part of it: call
// again with the same bytes and more, [MaxHeaderLen] at most.
//
// It refuses a length that is not in its shortest form ([ErrLengthNotMinimal])
// and a 64-bit length with the top bit set ([ErrLengthTopBit]), as soon as the
// bytes in b show it; n is then 0. With n == 0 h is the zero Header. All other
// rules depend on who sent the frame and are left to [Header.Check].
func ParseHeader(b []byte) (h Header, n int, err error) {
	n, err = h.Parse(b)
	return h, n, err
}

// Parse is [ParseHeader] with its result in place, which saves a copy: it sets
// h, or leaves it alone when n == 0.
func (h *Header) Parse(b []byte) (n int, err error) {
	if len(b) < 2 {
		return 0, nil
	}
	first, second := b[0], b[1]
	n, length := 2, int64(second&^maskBit)
	if length > MaxControlPayload {
		n, length, err = parseLength(b)
		if n == 0 {
			return 0, err
		}
	}
	var mask Mask
	if second&maskBit != 0 {
		if len(b)-n < len(mask) {
			return 0, nil
		}
		mask = Mask(b[n:])
		n += len(mask)
	}
	h.Fin = first&finBit != 0
	h.RSV1 = first&rsv1Bit != 0
	h.RSV2 = first&rsv2Bit != 0
	h.RSV3 = first&rsv3Bit != 0
	h.Opcode = Opcode(first & 0xF)
	h.Masked = second&maskBit != 0
	h.Mask = mask
	h.Length = length
	return n, nil
}

// parseLength decodes the 16-bit or 64-bit length of the header that b begins
// with. n is the length of the header without its mask, 0 with an error and
// when more bytes are needed.
func parseLength(b []byte) (n int, length int64, err error) {
	if b[1]&^maskBit == length16 {
		if len(b) < 4 {
			return 0, 0, nil
		}
		length = int64(b[2])<<8 | int64(b[3])
		if length <= MaxControlPayload {
			return 0, 0, ErrLengthNotMinimal
		}
		return 4, length, nil
	}
	if len(b) > 2 && b[2]&0x80 != 0 {
		return 0, 0, ErrLengthTopBit
	}
	if len(b) >= 8 && b[2]|b[3]|b[4]|b[5]|b[6]|b[7] == 0 {
		return 0, 0, ErrLengthNotMinimal
	}
	if len(b) < 10 {
		return 0, 0, nil
	}
	length = int64(b[2])<<56 | int64(b[3])<<48 | int64(b[4])<<40 | int64(b[5])<<32 |
		int64(b[6])<<24 | int64(b[7])<<16 | int64(b[8])<<8 | int64(b[9])
	return 10, length, nil
}

// Check returns the first rule that a frame with this header breaks, in the
// order in which the wire shows it:
//
//  1. [ErrReservedBits]: RSV2 or RSV3, or RSV1 unless allowRSV1 is set and the
//     frame begins a message
//     (https://www.rfc-editor.org/rfc/rfc7692#section-6);
//  2. [ErrOpcode]: a reserved opcode;
//  3. [ErrControlFragmented]: a control frame without FIN;
//  4. [ErrMaskRequired] from a client, [ErrMaskForbidden] from a server;
//  5. [ErrControlLength]: a control frame with more than [MaxControlPayload].
//
// fromClient says that the sender is a client, whose frames must be masked
// (https://www.rfc-editor.org/rfc/rfc6455#section-5.1). allowRSV1 says that
// permessage-deflate was negotiated.
func (h *Header) Check(fromClient bool, allowRSV1 bool) error {
	if h.Opcode <= Binary && h.Masked == fromClient && !h.RSV1 && !h.RSV2 && !h.RSV3 {
		return nil
	}
	return h.violation(fromClient, allowRSV1)
}

func (h *Header) violation(fromClient bool, allowRSV1 bool) error {
	switch {
	case h.RSV2 || h.RSV3 || h.RSV1 && !(allowRSV1 && h.Opcode.IsData()):
		return ErrReservedBits
	case !h.Opcode.Valid():
		return ErrOpcode
	case h.Opcode.IsControl() && !h.Fin:
		return ErrControlFragmented
	case fromClient && !h.Masked:
		return ErrMaskRequired
	case !fromClient && h.Masked:
		return ErrMaskForbidden
	case h.Opcode.IsControl() && h.Length > MaxControlPayload:
		return ErrControlLength
	}
	return nil
}

// AppendFrame appends a whole frame to dst: h with its Length set to that of
// payload, and a copy of payload, masked if h says so. payload itself is not
// changed. It checks no rule: see [Header.Check].
func AppendFrame(dst []byte, h Header, payload []byte) []byte {
	h.Length = int64(len(payload))
	dst = h.Append(dst)
	if !h.Masked {
		return append(dst, payload...)
	}
	start := len(dst)
	dst = grow(dst, len(payload))
	h.Mask.Copy(dst[start:], payload, 0)
	return dst
}

// grow extends b by n bytes of any content.
func grow(b []byte, n int) []byte {
	if n <= cap(b)-len(b) {
		return b[:len(b)+n]
	}
	return append(b, make([]byte, n)...)
}
