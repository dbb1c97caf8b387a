package core

const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AcceptKey returns the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key:
// the SHA-1 of the key and a fixed GUID, in base64, always 28 characters
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2). The key is not
// checked; [Request.Check] does that.
func AcceptKey(key string) string {
	var buf [28]byte
	return string(AppendAcceptKey(buf[:0], key))
}

// AppendAcceptKey appends what [AcceptKey] returns to dst.
func AppendAcceptKey(dst []byte, key string) []byte {
	hash := newSHA1()
	hash.write(key)
	hash.write(acceptGUID)
	digest := hash.sum()
	return appendBase64(dst, digest[:])
}

// newKey makes a Sec-WebSocket-Key of four draws: 16 bytes in base64
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1).
func newKey(entropy func() uint32) string {
	var nonce [16]byte
	for i := range 4 {
		putUint32(nonce[4*i:], entropy())
	}
	var buf [24]byte
	return string(appendBase64(buf[:0], nonce[:]))
}

// isKey reports whether s is base64 of exactly 16 bytes. The four bits that
// the last character has to spare may be set: RFC 4648 leaves that to the
// decoder, and the example of RFC 6455 section 4.1 sets them
// ("AQIDBAUGBwgJCgsMDQ4PEC==").
func isKey(s string) bool {
	if len(s) != 24 || s[22:] != "==" {
		return false
	}
	for i := range 22 {
		if !isBase64Byte(s[i]) {
			return false
		}
	}
	return true
}
