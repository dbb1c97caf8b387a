package websockets

import "strings"

// phrases are what most requests have, at the beginning of a line or from a space on. A longer
// one stands before one that it begins with.
var phrases = [...]string{
	"GET /",
	" HTTP/1.1\r\nHost: ",
	"Upgrade: websocket\r\n",
	"Connection: Upgrade\r\n",
	"Connection: keep-alive, Upgrade\r\n",
	"Sec-WebSocket-Key: ",
	"Sec-WebSocket-Version: 13\r\n",
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
	"Sec-WebSocket-Extensions: permessage-deflate\r\n",
	"Sec-WebSocket-Extensions: ",
	"Sec-WebSocket-Protocol: ",
	"Origin: https://",
	"Origin: http://",
	"Pragma: no-cache\r\n",
	"Cache-Control: no-cache\r\n",
	"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
	"User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
	"User-Agent: Mozilla/5.0 (",
	"User-Agent: ",
	" AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
	" Safari/537.36\r\n",
	" AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
	" Gecko/20100101 Firefox/",
	"Accept-Encoding: gzip, deflate, br, zstd\r\n",
	"Accept-Encoding: gzip, deflate, br\r\n",
	"Accept-Encoding: gzip, deflate\r\n",
	"Accept-Language: en-US,en;q=0.9\r\n",
	"Accept-Language: en-US,en;q=0.5\r\n",
	"Accept-Language: ",
	"Accept: */*\r\n",
	"Sec-Fetch-Dest: websocket\r\n",
	"Sec-Fetch-Dest: empty\r\n",
	"Sec-Fetch-Mode: websocket\r\n",
	"Sec-Fetch-Site: same-origin\r\n",
	"Sec-Fetch-Site: same-site\r\n",
	"Sec-Fetch-Site: cross-site\r\n",
	"Authorization: Bearer ",
	"Cookie: ",
	"X-Forwarded-For: ",
	"X-Forwarded-Host: ",
	"X-Forwarded-Proto: https\r\n",
	"X-Real-IP: ",
}

// A byte from firstPhrase on stands for a phrase, but the last two: one says that the next byte
// is one of those, and one, at the beginning, that all that follows is the head as it was.
const (
	firstPhrase = 0x80
	verbatim    = 0xfe
	literal     = 0xff
)

// phrasesOf are the phrases that begin with a byte.
var phrasesOf = func() (of [256][]uint8) {
	for i, p := range phrases {
		of[p[0]] = append(of[p[0]], uint8(i))
	}
	return of
}()

// shorten returns the head of a request in less memory, for lengthen, and never in more than
// one byte more.
func shorten(head string) string {
	var room [512]byte
	short := room[:0]
	if len(head) > len(room) {
		short = make([]byte, 0, len(head))
	}
	line := true // begins
	for i := 0; i < len(head); {
		c := head[i]
		if line || c == ' ' {
			if p, ok := phraseAt(head[i:]); ok {
				short = append(short, firstPhrase+p)
				i += len(phrases[p])
				line = head[i-1] == '\n'
				continue
			}
		}
		if c >= firstPhrase {
			short = append(short, literal)
		}
		if len(short) >= len(head) {
			return string([]byte{verbatim}) + head
		}
		short = append(short, c)
		line = c == '\n'
		i++
	}
	return string(short)
}

func phraseAt(s string) (p uint8, ok bool) {
	for _, p := range phrasesOf[s[0]] {
		if strings.HasPrefix(s, phrases[p]) {
			return p, true
		}
	}
	return 0, false
}

// lengthen returns the head that was shortened.
func lengthen(short string) string {
	if short != "" && short[0] == verbatim {
		return short[1:]
	}
	var head strings.Builder
	for i := 0; i < len(short); i++ {
		switch c := short[i]; {
		case c < firstPhrase:
			head.WriteByte(c)
		case c == literal:
			i++
			head.WriteByte(short[i])
		default:
			head.WriteString(phrases[c-firstPhrase])
		}
	}
	return head.String()
}
