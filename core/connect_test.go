package core

import (
	"slices"
	"testing"
)

// connectRequest is the example of RFC 8441 section 5.1.
func connectRequest() *Request {
	return &Request{Method: "CONNECT", Target: "/chat", Fields: []Field{
		{"Host", "server.example.com"},
		{"sec-websocket-protocol", "chat, superchat"},
		{"sec-websocket-extensions", "permessage-deflate"},
		{"sec-websocket-version", "13"},
		{"origin", "http://www.example.com"},
	}}
}

func TestConnectRequest(t *testing.T) {
	set := func(name, value string) func(*Request) {
		return func(r *Request) {
			r.Fields = slices.DeleteFunc(r.Fields, func(f Field) bool { return equalFold(f.Name, name) })
			r.Fields = append(r.Fields, Field{name, value})
		}
	}
	drop := func(name string) func(*Request) {
		return func(r *Request) {
			r.Fields = slices.DeleteFunc(r.Fields, func(f Field) bool { return equalFold(f.Name, name) })
		}
	}
	add := func(name, value string) func(*Request) {
		return func(r *Request) { r.Fields = append(r.Fields, Field{name, value}) }
	}
	for _, test := range []struct {
		name     string
		protocol string
		change   func(*Request)
		want     Error
		status   int
	}{
		{"the example of RFC 8441 section 5.1", "websocket", func(*Request) {}, 0, 0},
		{"GET", "websocket", func(r *Request) { r.Method = "GET" }, ErrConnectMethod, 405},
		{"GET without :protocol", "", func(r *Request) { r.Method = "GET" }, ErrConnectMethod, 405},
		{"no :protocol", "", func(*Request) {}, ErrConnectProtocol, 501},
		{"another :protocol", "connect-udp", func(*Request) {}, ErrConnectProtocol, 501},
		{"the name of another case, which is another", "WebSocket", func(*Request) {}, ErrConnectProtocol, 501},
		{"an empty path", "websocket", func(r *Request) { r.Target = "" }, ErrBadRequest, 400},
		{"a path that is none", "websocket", func(r *Request) { r.Target = "*" }, ErrBadRequest, 400},
		{"two origins", "websocket", add("Origin", "http://a"), ErrBadRequest, 400},
		{"no authority", "websocket", drop("Host"), ErrHost, 400},
		{"an authority with a user", "websocket", set("Host", "a@b"), ErrHost, 400},
		{"a body", "websocket", add("Content-Length", "1"), ErrRequestBody, 400},
		{"no version", "websocket", drop("Sec-WebSocket-Version"), ErrVersion, 426},
		{"another version", "websocket", set("Sec-WebSocket-Version", "8"), ErrVersion, 426},
		{"two versions", "websocket", add("Sec-WebSocket-Version", "13"), ErrVersion, 426},
		{"a key, as some clients send it", "websocket", add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), 0, 0},
		{"a key that is none", "websocket", add("Sec-WebSocket-Key", "abc"), ErrKey, 400},
		{"an empty key", "websocket", add("Sec-WebSocket-Key", ""), ErrKey, 400},
		{"subprotocols twice", "websocket", set("Sec-WebSocket-Protocol", "a, a"), ErrProtocolHeader, 400},
		{"extensions that are none", "websocket", set("Sec-WebSocket-Extensions", "a;"), ErrExtensionsHeader, 400},
		{"no subprotocols, no extensions", "websocket", func(r *Request) {
			drop("Sec-WebSocket-Protocol")(r)
			drop("Sec-WebSocket-Extensions")(r)
		}, 0, 0},
	} {
		r := connectRequest()
		test.change(r)
		err := r.CheckConnect(test.protocol)
		if test.want == 0 {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != test.want || test.want.Status() != test.status {
			t.Errorf("%s: %v, status %d; want %v, %d", test.name, err, test.want.Status(), test.want, test.status)
		}
	}
}

func TestConnectFields(t *testing.T) {
	r := connectRequest()
	got, err := ConnectFields(r, AcceptOptions{Subprotocol: "chat", Header: []Field{{"X-A", "b"}}})
	if want := []Field{{"Sec-WebSocket-Protocol", "chat"}, {"X-A", "b"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	// The key and the answer of RFC 6455 section 1.3.
	r.Fields = append(r.Fields, Field{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="})
	got, err = ConnectFields(r, AcceptOptions{})
	if want := []Field{{"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := ConnectFields(r, AcceptOptions{Subprotocol: "other"}); err != ErrSubprotocolNotOffered {
		t.Errorf("a subprotocol that was not offered: %v", err)
	}
	if _, err := ConnectFields(r, AcceptOptions{Header: []Field{{"Connection", "close"}}}); err != ErrHandshakeOption {
		t.Errorf("a field of the handshake: %v", err)
	}
}

func TestConnectResponse(t *testing.T) {
	offered := []string{"chat", "superchat"}
	settings, err := NewSettings(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		r    Response
		want string
		err  error
	}{
		{"the example of RFC 8441 section 5.1", Response{Status: 200, Fields: []Field{{"sec-websocket-protocol", "chat"}}}, "chat", nil},
		{"no subprotocol", Response{Status: 200}, "", nil},
		{"another 2xx", Response{Status: 204}, "", nil},
		{"an accept key, which means nothing", Response{Status: 200, Fields: []Field{{"sec-websocket-accept", "x"}}}, "", nil},
		{"101", Response{Status: 101}, "", ErrConnectStatus},
		{"403", Response{Status: 403}, "", ErrConnectStatus},
		{"a subprotocol that was not offered", Response{Status: 200, Fields: []Field{{"sec-websocket-protocol", "x"}}}, "", ErrResponseProtocol},
		{"two subprotocols", Response{Status: 200, Fields: []Field{{"sec-websocket-protocol", "chat"}, {"sec-websocket-protocol", "superchat"}}}, "", ErrResponseProtocol},
		{"an extension", Response{Status: 200, Fields: []Field{{"sec-websocket-extensions", "permessage-deflate"}}}, "", ErrResponseExtension},
	} {
		if got, agreed, err := test.r.CheckConnect(settings, offered); got != test.want || agreed != nil || err != test.err {
			t.Errorf("%s: %q, %v, %v; want %q, %v", test.name, got, agreed, err, test.want, test.err)
		}
	}
}
