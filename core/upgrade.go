package core

// RequestOptions say what a client asks for in its handshake.
type RequestOptions struct {
	// Host is the host, with its port unless that is the scheme's default:
	// "example.com", "[::1]:8080". It must be given.
	Host string

	// Target is the path and query, in origin-form: "/chat?room=1". It is
	// visible ASCII; anything else must be escaped. Default "/".
	Target string

	// Subprotocols are offered in the order of preference: at most 64
	// distinct tokens.
	Subprotocols []string

	// Header holds fields to add to the request. Those that the handshake
	// sets itself are refused: Connection, Content-Length, Host,
	// Transfer-Encoding, Upgrade and all that begin with Sec-WebSocket-.
	Header []Field
}

func (o RequestOptions) valid() bool {
	return isHost(o.Host) &&
		isTarget(o.Target) && o.Target[0] == '/' &&
		areSubprotocols(o.Subprotocols) &&
		fields(o.Header).addable()
}

// appendRequest appends a client's handshake to dst
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1). The error is
// ErrHandshakeOption; dst is then returned as it was.
func appendRequest(dst []byte, o RequestOptions, key, extensions string) ([]byte, error) {
	if o.Target == "" {
		o.Target = "/"
	}
	if !o.valid() {
		return dst, ErrHandshakeOption
	}
	dst = appendAll(dst, "GET ", o.Target, " HTTP/1.1\r\n"+
		"Host: ", o.Host, "\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Key: ", key, "\r\n"+
		"Sec-WebSocket-Version: 13\r\n")
	before := "Sec-WebSocket-Protocol: "
	for _, name := range o.Subprotocols {
		dst = appendAll(dst, before, name)
		before = ", "
	}
	if len(o.Subprotocols) > 0 {
		dst = appendAll(dst, "\r\n")
	}
	if extensions != "" {
		dst = appendField(dst, "Sec-WebSocket-Extensions", extensions)
	}
	dst = fields(o.Header).append(dst)
	return appendAll(dst, "\r\n"), nil
}
