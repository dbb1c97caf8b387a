package core_test

import (
	"fmt"
	"strings"

	"github.com/fb1e3c20/websockets/core"
)

// The key and the answer of RFC 6455 section 1.3.
func ExampleAcceptKey() {
	fmt.Println(core.AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="))
	// Output: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
}

// sample is what an HTTP server has made of a client's request.
var sample = core.Request{
	Method: "GET",
	Target: "/chat?room=1",
	Proto:  "HTTP/1.1",
	Fields: []core.Field{
		{Name: "Host", Value: "server.example.com"},
		{Name: "Upgrade", Value: "websocket"},
		{Name: "Connection", Value: "keep-alive, Upgrade"},
		{Name: "Sec-WebSocket-Key", Value: "dGhlIHNhbXBsZSBub25jZQ=="},
		{Name: "Sec-WebSocket-Version", Value: "13"},
		{Name: "Sec-WebSocket-Protocol", Value: "chat, superchat"},
		{Name: "Origin", Value: "http://example.com"},
	},
}

func ExampleRequest() {
	fmt.Println(sample.Host(), sample.Path(), sample.Subprotocols())
	fmt.Println(sample.Origin())
	for value := range sample.Values("connection") {
		fmt.Println(value)
	}
	// Output:
	// server.example.com /chat?room=1 [chat superchat]
	// http://example.com true
	// keep-alive, Upgrade
}

func ExampleRequest_Check() {
	fmt.Println(sample.Check())

	old := core.Request{Method: "GET", Target: "/", Proto: "HTTP/1.0"}
	err := old.Check()
	fmt.Println(err)
	fmt.Println(err == core.ErrHTTPVersion, err.(core.Error).Status())
	// Output:
	// <nil>
	// websocket: the request is not HTTP/1.1
	// true 505
}

func ExampleAppendAccept() {
	out, err := core.AppendAccept(nil, &sample, core.AcceptOptions{Subprotocol: "chat"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(out), "\r\n", "\n"))

	_, err = core.AppendAccept(nil, &sample, core.AcceptOptions{Subprotocol: "mqtt"})
	fmt.Println(err)
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: websocket
	// Connection: Upgrade
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
	// Sec-WebSocket-Protocol: chat
	//
	// websocket: the client did not offer this subprotocol
}

func ExampleAppendReject() {
	out, err := core.AppendReject(nil, core.RejectOptions{
		Status: 401,
		Header: []core.Field{{Name: "WWW-Authenticate", Value: "Bearer"}},
		Body:   []byte("a token is needed\n"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(out), "\r\n", "\n"))
	// Output:
	// HTTP/1.1 401 Unauthorized
	// Connection: close
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 18
	// WWW-Authenticate: Bearer
	//
	// a token is needed
}
