package core

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// appendBase64 appends src in base64 with padding
// (https://www.rfc-editor.org/rfc/rfc4648#section-4).
func appendBase64(dst, src []byte) []byte {
	for len(src) >= 3 {
		dst = appendSextets(dst, src[0], src[1], src[2])
		src = src[3:]
	}
	switch len(src) {
	case 1:
		dst = appendSextets(dst, src[0], 0, 0)
		return append(dst[:len(dst)-2], "=="...)
	case 2:
		dst = appendSextets(dst, src[0], src[1], 0)
		return append(dst[:len(dst)-1], '=')
	}
	return dst
}

func appendSextets(dst []byte, a, b, c byte) []byte {
	return append(dst,
		base64Alphabet[a>>2],
		base64Alphabet[a&3<<4|b>>4],
		base64Alphabet[b&15<<2|c>>6],
		base64Alphabet[c&63])
}

func isBase64Byte(c byte) bool { return isAlphanumeric(c) || c == '+' || c == '/' }
