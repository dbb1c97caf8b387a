package core

// RejectOptions say how a server refuses a handshake. The zero value is
// 403 Forbidden without a body.
type RejectOptions struct {
	// Status is the status code, from 300 to 599 without 304. Default 403.
	Status int

	// Header holds fields to add to the response. Those that the handshake
	// sets itself are refused: Connection, Content-Length, Host,
	// Transfer-Encoding, Upgrade and all that begin with Sec-WebSocket-.
	Header []Field

	// Body follows the head. Unless Header has a Content-Type it is
	// text/plain in UTF-8.
	Body []byte
}

func (o RejectOptions) valid() bool {
	return 300 <= o.Status && o.Status <= 599 && o.Status != 304 && fields(o.Header).addable()
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
	dst = appendInt(appendAll(dst, "HTTP/1.1 "), int64(o.Status))
	dst = appendAll(dst, " ", reasonPhrase(o.Status), "\r\n")
	if o.Status == 426 {
		dst = appendAll(dst, "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n")
	} else {
		dst = appendAll(dst, "Connection: close\r\n")
	}
	if o.Status == 405 && header.count("Allow") == 0 {
		dst = appendAll(dst, "Allow: GET\r\n")
	}
	if len(o.Body) > 0 && header.count("Content-Type") == 0 {
		dst = appendAll(dst, "Content-Type: text/plain; charset=utf-8\r\n")
	}
	dst = appendInt(appendAll(dst, "Content-Length: "), int64(len(o.Body)))
	dst = header.append(appendAll(dst, "\r\n"))
	dst = appendAll(dst, "\r\n")
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

// reasonPhrase returns what a status line says beside the code. An unusual
// code goes without (https://www.rfc-editor.org/rfc/rfc9112#section-4).
func reasonPhrase(status int) string {
	if status >= len(reasonPhrases) {
		return ""
	}
	return reasonPhrases[status]
}

var reasonPhrases = [...]string{
	300: "Multiple Choices",
	301: "Moved Permanently",
	302: "Found",
	303: "See Other",
	307: "Temporary Redirect",
	308: "Permanent Redirect",
	400: "Bad Request",
	401: "Unauthorized",
	402: "Payment Required",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	406: "Not Acceptable",
	407: "Proxy Authentication Required",
	408: "Request Timeout",
	409: "Conflict",
	410: "Gone",
	411: "Length Required",
	412: "Precondition Failed",
	413: "Content Too Large",
	414: "URI Too Long",
	415: "Unsupported Media Type",
	416: "Range Not Satisfiable",
	417: "Expectation Failed",
	421: "Misdirected Request",
	422: "Unprocessable Content",
	423: "Locked",
	425: "Too Early",
	426: "Upgrade Required",
	428: "Precondition Required",
	429: "Too Many Requests",
	431: "Request Header Fields Too Large",
	451: "Unavailable For Legal Reasons",
	500: "Internal Server Error",
	501: "Not Implemented",
	502: "Bad Gateway",
	503: "Service Unavailable",
	504: "Gateway Timeout",
	505: "HTTP Version Not Supported",
	511: "Network Authentication Required",
}
