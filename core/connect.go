package core

import "github.com/fb1e3c20/websockets/core/deflate"

// CheckConnect is [Request.Check] for HTTP/2 and HTTP/3, where a WebSocket is
// opened by an extended CONNECT request
// (https://www.rfc-editor.org/rfc/rfc8441#section-5,
// https://www.rfc-editor.org/rfc/rfc9220#section-3). Its pseudo-header fields are
// given thus: :method and :path are Method and Target, :authority is the field
// Host, and protocol is :protocol, "" without one. Proto means nothing. The rules
// are, in this order:
//
//   - [ErrConnectMethod], 405: the method is CONNECT.
//   - [ErrConnectProtocol], 501: :protocol is websocket.
//   - [ErrBadRequest], [ErrHost], [ErrRequestBody], [ErrProtocolHeader],
//     [ErrExtensionsHeader], [ErrHeadTooBig]: as in Check.
//   - [ErrVersion], to be answered with 400, because 426 is about the Upgrade
//     field, which is not there: Sec-WebSocket-Version occurs once and is 13.
//   - [ErrKey], 400: Sec-WebSocket-Key, which is of no use here but which some
//     clients send, is base64 of 16 bytes, and occurs once, if at all.
func (r *Request) CheckConnect(protocol string) error {
	if err := r.checkConnect(protocol); err != 0 {
		return err
	}
	return nil
}

func (r *Request) checkConnect(protocol string) Error {
	if r.Method != "CONNECT" {
		return ErrConnectMethod
	}
	if protocol != "websocket" {
		return ErrConnectProtocol
	}
	list := fields(r.Fields)
	if err := r.checkTarget(); err != 0 {
		return err
	}
	if version, ok := list.only("Sec-WebSocket-Version"); !ok || version != "13" {
		return ErrVersion
	}
	if key, ok := list.only("Sec-WebSocket-Key"); list.count("Sec-WebSocket-Key") > 0 && (!ok || !isKey(key)) {
		return ErrKey
	}
	return list.checkOffers()
}

// ConnectFields returns the header fields of the response that accepts r, which
// has passed [Request.CheckConnect]; its status is 200. A key that the client sent
// is answered. The errors are those of [AppendAccept].
func ConnectFields(r *Request, o AcceptOptions) ([]Field, error) {
	if err := o.check(r); err != nil {
		return nil, err
	}
	var list []Field
	if key := r.Get("Sec-WebSocket-Key"); key != "" {
		list = append(list, Field{"Sec-WebSocket-Accept", AcceptKey(key)})
	}
	if o.Subprotocol != "" {
		list = append(list, Field{"Sec-WebSocket-Protocol", o.Subprotocol})
	}
	if o.Extensions != "" {
		list = append(list, Field{"Sec-WebSocket-Extensions", o.Extensions})
	}
	return append(list, o.Header...), nil
}

// CheckConnect applies the rules of a client with settings s to the answer to an
// extended CONNECT request that offered these subprotocols, and the extensions of
// [Settings.Offers]. It returns the subprotocol and the compression that the server
// chose, if any, and one of these errors: [ErrConnectStatus], [ErrResponseExtension],
// [ErrResponseProtocol].
func (r *Response) CheckConnect(s *Settings, offered []string) (subprotocol string, agreed *deflate.Params, err error) {
	if r.Status < 200 || r.Status > 299 {
		return "", nil, ErrConnectStatus
	}
	subprotocol, agreed, e := r.checkChoice(s, offered)
	if e != 0 {
		return "", nil, e
	}
	return subprotocol, agreed, nil
}
