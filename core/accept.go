package core

// AcceptOptions say how a server accepts a handshake. The zero value accepts
// without a subprotocol.
type AcceptOptions struct {
	// Subprotocol is one of those that the client offered; "" chooses none.
	Subprotocol string

	// Extensions is the value of Sec-WebSocket-Extensions, as of
	// [Settings.Negotiate]; "" for none. [Conn.Accept] negotiates itself and takes
	// no notice of it.
	Extensions string

	// Header holds fields to add to the response. Those that the handshake
	// sets itself are refused: Connection, Content-Length, Host,
	// Transfer-Encoding, Upgrade and all that begin with Sec-WebSocket-.
	Header []Field
}

// size returns at least how long the response is.
func (o AcceptOptions) size() int {
	const longest = len("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
		"Sec-WebSocket-Protocol: \r\nSec-WebSocket-Extensions: \r\n\r\n")
	n := longest + len(o.Subprotocol) + len(o.Extensions)
	for _, f := range o.Header {
		n += len(f.Name) + len(": \r\n") + len(f.Value)
	}
	return n
}

func (o AcceptOptions) check(r *Request) error {
	if o.Subprotocol != "" && (!isToken(o.Subprotocol) || !fields(r.Fields).offers(o.Subprotocol)) {
		return ErrSubprotocolNotOffered
	}
	if !isText(o.Extensions) || !fields(o.Header).addable() {
		return ErrHandshakeOption
	}
	return nil
}

// AppendAccept appends the response that accepts r, which has passed
// [Request.Check], to dst: 101 Switching Protocols
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2). The error is
// [ErrSubprotocolNotOffered] or [ErrHandshakeOption]; dst is then returned as
// it was.
func AppendAccept(dst []byte, r *Request, o AcceptOptions) ([]byte, error) {
	if err := o.check(r); err != nil {
		return dst, err
	}
	dst = appendAll(dst, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: ")
	dst = AppendAcceptKey(dst, r.Get("Sec-WebSocket-Key"))
	dst = appendAll(dst, "\r\n")
	if o.Subprotocol != "" {
		dst = appendField(dst, "Sec-WebSocket-Protocol", o.Subprotocol)
	}
	if o.Extensions != "" {
		dst = appendField(dst, "Sec-WebSocket-Extensions", o.Extensions)
	}
	dst = fields(o.Header).append(dst)
	return appendAll(dst, "\r\n"), nil
}
