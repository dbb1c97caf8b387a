package core

// RejectOptions say how a server refuses a handshake. The zero value is
// 403 Forbidden without a body.
type RejectOptions struct {
	// Status is the status code, from 300 to 599. Default 403.
	Status int

	// Header holds fields to add to the response. Those that the handshake
	// sets itself are refused: Connection, Content-Length, Host,
	// Transfer-Encoding, Upgrade and all that begin with Sec-WebSocket-.
	Header []Field

	// Body follows the head. Unless Header has a Content-Type it is
	// text/plain in UTF-8. A 304 has none.
	Body []byte
}

func (o RejectOptions) valid() bool {
	if o.Status < 300 || o.Status > 599 || o.Status == 304 && len(o.Body) > 0 {
		return false
	}
	return fields(o.Header).addable()
}

// AppendReject appends the response that refuses a handshake to dst. The
// connection ends with it. A 426 names the protocol and the version that the
// server wants (https://www.rfc-editor.org/rfc/rfc6455#section-4.4), a 405 the
// method. The error is [ErrHandshakeOption]; dst is then returned as it was.
func AppendReject(dst []byte, o RejectOptions) ([]byte, error) {
	if o.Status == 0 {
		o.Status = 403
	}
	if !o.valid() {
		return dst, ErrHandshakeOption
	}
	header := fields(o.Header)
	dst = append(dst, "HTTP/1.1 "...)
	dst = appendDecimal(dst, o.Status)
	dst = append(dst, ' ')
	dst = append(dst, reasonPhrase(o.Status)...)
	dst = append(dst, "\r\n"...)
	if o.Status == 426 {
		dst = append(dst, "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"...)
	} else {
		dst = append(dst, "Connection: close\r\n"...)
	}
	if o.Status == 405 && header.count("Allow") == 0 {
		dst = append(dst, "Allow: GET\r\n"...)
	}
	if len(o.Body) > 0 && header.count("Content-Type") == 0 {
		dst = append(dst, "Content-Type: text/plain; charset=utf-8\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = appendDecimal(dst, len(o.Body))
	dst = append(dst, "\r\n"...)
	dst = header.append(dst)
	dst = append(dst, "\r\n"...)
	return append(dst, o.Body...), nil
}

// appendRefusal appends the answer to a request that failed with e. A 405 has
// no body, since the method may have been HEAD.
func appendRefusal(dst []byte, e Error) []byte {
	o := RejectOptions{Status: e.Status()}
	if e != ErrMethod {
		o.Body = []byte(e.Reason())
	}
	dst, _ = AppendReject(dst, o)
	return dst
}

func appendDecimal(dst []byte, n int) []byte {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return append(dst, digits[i:]...)
		}
	}
}

// reasonPhrase returns what a status line says beside the code; an unusual
// code goes without (https://www.rfc-editor.org/rfc/rfc9112#section-4).
func reasonPhrase(status int) string {
	switch status {
	case 300:
		return "Multiple Choices"
	case 301:
		return "Moved Permanently"
	case 302:
		return "Found"
	case 303:
		return "See Other"
	case 304:
		return "Not Modified"
	case 307:
		return "Temporary Redirect"
	case 308:
		return "Permanent Redirect"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 402:
		return "Payment Required"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 406:
		return "Not Acceptable"
	case 407:
		return "Proxy Authentication Required"
	case 408:
		return "Request Timeout"
	case 409:
		return "Conflict"
	case 410:
		return "Gone"
	case 411:
		return "Length Required"
	case 412:
		return "Precondition Failed"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 415:
		return "Unsupported Media Type"
	case 416:
		return "Range Not Satisfiable"
	case 417:
		return "Expectation Failed"
	case 421:
		return "Misdirected Request"
	case 422:
		return "Unprocessable Content"
	case 423:
		return "Locked"
	case 425:
		return "Too Early"
	case 426:
		return "Upgrade Required"
	case 428:
		return "Precondition Required"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 451:
		return "Unavailable For Legal Reasons"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Gateway Timeout"
	case 505:
		return "HTTP Version Not Supported"
	case 511:
		return "Network Authentication Required"
	}
	return ""
}
