package core

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/internal/digest"
)

// sampleRequest is that of RFC 6455 section 1.3.
const sampleRequest = "GET /chat HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Origin: http://example.com\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

// minimalRequest has only what a handshake needs.
const minimalRequest = "GET / HTTP/1.1\r\n" +
	"Host: a\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

// judge returns what a server makes of a head.
func judge(head string) Error {
	r, err := parseRequest(head)
	if err != 0 {
		return err
	}
	return r.check()
}

// with returns minimalRequest with old replaced, which must occur in it.
func with(t *testing.T, old, new string) string {
	t.Helper()
	if !strings.Contains(minimalRequest, old) {
		t.Fatalf("%q is not in the request", old)
	}
	return strings.Replace(minimalRequest, old, new, 1)
}

func TestSampleRequest(t *testing.T) {
	r, err := parseRequest(sampleRequest)
	if err != 0 {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if r.Method != "GET" || r.Target != "/chat" || r.Proto != "HTTP/1.1" {
		t.Errorf("%q %q %q", r.Method, r.Target, r.Proto)
	}
	want := []Field{
		{"Host", "server.example.com"},
		{"Upgrade", "websocket"},
		{"Connection", "Upgrade"},
		{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
		{"Origin", "http://example.com"},
		{"Sec-WebSocket-Protocol", "chat, superchat"},
		{"Sec-WebSocket-Version", "13"},
	}
	if !slices.Equal(r.Fields, want) {
		t.Errorf("fields %q", r.Fields)
	}
	if origin, ok := r.Origin(); origin != "http://example.com" || !ok {
		t.Errorf("origin %q, %v", origin, ok)
	}
	if r.Host() != "server.example.com" || r.Path() != "/chat" {
		t.Errorf("host %q, path %q", r.Host(), r.Path())
	}
	if got := r.Subprotocols(); !slices.Equal(got, []string{"chat", "superchat"}) {
		t.Errorf("subprotocols %q", got)
	}
}

// Every rule of RFC 9112 sections 2 to 5 for the form of a request.
func TestParseRequest(t *testing.T) {
	for _, tt := range []struct {
		name string
		head string
		want Error
	}{
		{"the minimum", minimalRequest, 0},
		{"2.2: one empty line before", "\r\n" + minimalRequest, 0},
		{"2.2: two empty lines before", "\r\n\r\n" + minimalRequest, ErrBadRequest},
		{"2.2: LF before", "\n" + minimalRequest, ErrBadRequest},
		{"2.2: bare LF after the request line", with(t, "HTTP/1.1\r\n", "HTTP/1.1\n"), ErrBadRequest},
		{"2.2: bare LF after a field", with(t, "Host: a\r\n", "Host: a\n"), ErrBadRequest},
		{"2.2: bare LF as the empty line", with(t, "13\r\n\r\n", "13\r\n\n"), ErrBadRequest},
		{"2.2: bare CR in a value", with(t, "Host: a", "X: a\rb\r\nHost: a"), ErrBadRequest},
		{"2.2: bare CR before CRLF", with(t, "Host: a", "Host: a\r"), ErrBadRequest},
		{"2.2: bare CR in the request line", with(t, "GET /", "GET\r/"), ErrBadRequest},
		{"2.2: CR LF reversed", with(t, "Host: a\r\n", "Host: a\n\r"), ErrBadRequest},
		{"2.2: whitespace before the first field", with(t, "Host: a", " Host: a"), ErrBadRequest},
		{"2.2: a line of whitespace", with(t, "Host: a\r\n", "Host: a\r\n \r\n"), ErrBadRequest},

		{"3: two spaces behind the method", with(t, "GET /", "GET  /"), ErrBadRequest},
		{"3: two spaces behind the target", with(t, "/ HTTP", "/  HTTP"), ErrBadRequest},
		{"3: a space behind the version", with(t, "HTTP/1.1", "HTTP/1.1 "), ErrBadRequest},
		{"3: a space before the method", " " + minimalRequest, ErrBadRequest},
		{"3: tabs", with(t, "GET / HTTP/1.1", "GET\t/\tHTTP/1.1"), ErrBadRequest},
		{"3: no target", with(t, "GET / ", "GET "), ErrBadRequest},
		{"3: an empty target", with(t, "GET / ", "GET  "), ErrBadRequest},
		{"3: a fourth word", with(t, "GET / ", "GET / x "), ErrBadRequest},
		{"3: HTTP/0.9", with(t, "GET / HTTP/1.1", "GET /"), ErrBadRequest},
		{"3: an empty request line", "\r\n" + with(t, "GET / HTTP/1.1", ""), ErrBadRequest},
		{"3.1: no method", with(t, "GET /", " /"), ErrBadRequest},
		{"3.1: method is no token", with(t, "GET", "G@T"), ErrBadRequest},
		{"3.1: another method", with(t, "GET", "POST"), ErrMethod},
		{"3.1: methods have a case", with(t, "GET", "get"), ErrMethod},
		{"3.2: NUL in the target", with(t, "GET /", "GET /\x00"), ErrBadRequest},
		{"3.2: DEL in the target", with(t, "GET /", "GET /\x7f"), ErrBadRequest},
		{"3.2: a raw non-ASCII target", with(t, "GET /", "GET /\xc3\xa9"), ErrBadRequest},
		{"3.2: a fragment", with(t, "GET /", "GET /#a"), ErrBadRequest},
		{"3.2.1: no leading slash", with(t, "GET /", "GET chat"), ErrBadRequest},
		{"3.2.2: absolute-form", with(t, "GET /", "GET http://example.com/"), 0},
		{"3.2.2: absolute-form without a path", with(t, "GET /", "GET wss://example.com"), 0},
		{"3.2.2: absolute-form, other scheme", with(t, "GET /", "GET ftp://example.com/"), ErrBadRequest},
		{"3.2.2: absolute-form without a host", with(t, "GET /", "GET http:///"), ErrBadRequest},
		{"3.2.3: authority-form", with(t, "GET /", "GET example.com:443"), ErrBadRequest},
		{"3.2.3: CONNECT", with(t, "GET /", "CONNECT example.com:443"), ErrMethod},
		{"3.2.4: asterisk-form", with(t, "GET /", "GET *"), ErrBadRequest},
		{"3.2.4: OPTIONS", with(t, "GET /", "OPTIONS *"), ErrMethod},

		{"2.3: HTTP/1.0", with(t, "HTTP/1.1", "HTTP/1.0"), ErrHTTPVersion},
		{"2.3: HTTP/1.2", with(t, "HTTP/1.1", "HTTP/1.2"), 0},
		{"2.3: HTTP/2.0", with(t, "HTTP/1.1", "HTTP/2.0"), ErrHTTPVersion},
		{"2.3: HTTP/0.9 in full", with(t, "HTTP/1.1", "HTTP/0.9"), ErrHTTPVersion},
		{"2.3: two digits", with(t, "HTTP/1.1", "HTTP/1.10"), ErrBadRequest},
		{"2.3: no minor version", with(t, "HTTP/1.1", "HTTP/1"), ErrBadRequest},
		{"2.3: lower case", with(t, "HTTP/1.1", "http/1.1"), ErrBadRequest},
		{"2.3: another protocol", with(t, "HTTP/1.1", "RTSP/1.1"), ErrBadRequest},
		{"2.3: not a digit", with(t, "HTTP/1.1", "HTTP/1.x"), ErrBadRequest},

		{"5: no colon", with(t, "Host: a", "X\r\nHost: a"), ErrBadRequest},
		{"5: an empty name", with(t, "Host: a", ": x\r\nHost: a"), ErrBadRequest},
		{"5: a name that is no token", with(t, "Host: a", "X(: x\r\nHost: a"), ErrBadRequest},
		{"5: a non-ASCII name", with(t, "Host: a", "X\xe9: x\r\nHost: a"), ErrBadRequest},
		{"5: an empty value", with(t, "Host: a", "X:\r\nHost: a"), 0},
		{"5: whitespace around a value", with(t, "Host: a", "Host: \t a \t "), 0},
		{"5: no whitespace before a value", with(t, "Host: a", "Host:a"), 0},
		{"5: a tab inside a value", with(t, "Host: a", "X: a\tb\r\nHost: a"), 0},
		{"5: a non-ASCII value", with(t, "Host: a", "X: \xe9\xff\r\nHost: a"), 0},
		{"5: NUL in a value", with(t, "Host: a", "X: a\x00b\r\nHost: a"), ErrBadRequest},
		{"5: a control character in a value", with(t, "Host: a", "X: a\x1bb\r\nHost: a"), ErrBadRequest},
		{"5: DEL in a value", with(t, "Host: a", "X: a\x7f\r\nHost: a"), ErrBadRequest},
		{"5.1: a space before the colon", with(t, "Host:", "Host :"), ErrBadRequest},
		{"5.1: a tab before the colon", with(t, "Host:", "Host\t:"), ErrBadRequest},
		{"5.2: obs-fold with a space", with(t, "Host: a", "X: a\r\n b\r\nHost: a"), ErrBadRequest},
		{"5.2: obs-fold with a tab", with(t, "Host: a", "X: a\r\n\tb\r\nHost: a"), ErrBadRequest},

		{"nothing", "", ErrBadRequest},
		{"no empty line", strings.TrimSuffix(minimalRequest, "\r\n"), ErrBadRequest},
		{"bytes behind the head", minimalRequest + "x", ErrBadRequest},
		{"a TLS ClientHello", "\x16", ErrBadRequest},
		{"a head cut short by a control character", "GET / HTTP/1.1\r\nA: b\x00", ErrBadRequest},
		{"HTTP/2 prior knowledge", "PRI * HTTP/2.0\r\n\r\n", ErrMethod},
	} {
		if got := judge(tt.head); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// RFC 6455 section 4.2.1 and what it refers to.
func TestRequestCheck(t *testing.T) {
	const (
		upgrade    = "Upgrade: websocket\r\n"
		connection = "Connection: Upgrade\r\n"
		key        = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		version    = "Sec-WebSocket-Version: 13\r\n"
		host       = "Host: a\r\n"
	)
	for _, tt := range []struct {
		name     string
		old, new string
		want     Error
	}{
		{"Host is missing", host, "", ErrHost},
		{"Host twice", host, host + "hOST: a\r\n", ErrHost},
		{"Host is empty", host, "Host:\r\n", ErrHost},
		{"Host is no host", host, "Host: a/b\r\n", ErrHost},
		{"Host with user information", host, "Host: a@b\r\n", ErrHost},
		{"Host with a port", host, "Host: [::1]:8080\r\n", 0},
		{"two hosts in one field", host, "Host: a, b c\r\n", ErrHost},

		{"Content-Length: 0", host, host + "Content-Length: 0\r\n", 0},
		{"a body", host, host + "Content-Length: 1\r\n", ErrRequestBody},
		{"a body in the second Content-Length", host, host + "Content-Length: 0\r\ncontent-length: 5\r\n", ErrRequestBody},
		{"Content-Length: 0, 5", host, host + "Content-Length: 0, 5\r\n", ErrRequestBody},
		{"an empty Content-Length", host, host + "Content-Length:\r\n", ErrRequestBody},
		{"Content-Length: -0", host, host + "Content-Length: -0\r\n", ErrRequestBody},
		{"chunked", host, host + "Transfer-Encoding: chunked\r\n", ErrRequestBody},
		{"Transfer-Encoding: identity", host, host + "transfer-encoding: identity\r\n", ErrRequestBody},
		{"Transfer-Encoding, empty", host, host + "Transfer-Encoding:\r\n", ErrRequestBody},

		{"Upgrade is missing", upgrade, "", ErrUpgradeHeader},
		{"Upgrade in capitals", upgrade, "UPGRADE: WebSocket\r\n", 0},
		{"Upgrade is a list", upgrade, "Upgrade: h2c, websocket\r\n", 0},
		{"Upgrade over lines", upgrade, "Upgrade: h2c\r\nUpgrade: websocket\r\n", 0},
		{"Upgrade with empty elements", upgrade, "Upgrade: ,, websocket ,\r\n", 0},
		{"Upgrade to another protocol", upgrade, "Upgrade: h2c\r\n", ErrUpgradeHeader},
		{"websocket is only a prefix", upgrade, "Upgrade: websockets\r\n", ErrUpgradeHeader},
		{"websocket has a version", upgrade, "Upgrade: websocket/13\r\n", ErrUpgradeHeader},
		{"Upgrade is empty", upgrade, "Upgrade:\r\n", ErrUpgradeHeader},

		{"Connection is missing", connection, "", ErrConnectionHeader},
		{"Connection in lower case", connection, "connection: upgrade\r\n", 0},
		{"Connection of Firefox", connection, "Connection: keep-alive, Upgrade\r\n", 0},
		{"Connection over lines", connection, "Connection: keep-alive\r\nConnection: Upgrade\r\n", 0},
		{"Connection without Upgrade", connection, "Connection: keep-alive\r\n", ErrConnectionHeader},
		{"Upgrade is only a suffix", connection, "Connection: x-upgrade\r\n", ErrConnectionHeader},

		{"version is missing", version, "", ErrVersion},
		{"version is empty", version, "Sec-WebSocket-Version:\r\n", ErrVersion},
		{"version 8", version, "Sec-WebSocket-Version: 8\r\n", ErrVersion},
		{"version 013", version, "Sec-WebSocket-Version: 013\r\n", ErrVersion},
		{"version 130", version, "Sec-WebSocket-Version: 130\r\n", ErrVersion},
		{"versions in a list", version, "Sec-WebSocket-Version: 13, 8\r\n", ErrVersion},
		{"versions over lines", version, version + version, ErrVersion},

		{"key is missing", key, "", ErrKey},
		{"key is empty", key, "Sec-WebSocket-Key:\r\n", ErrKey},
		{"key twice", key, key + key, ErrKey},
		{"key of 15 bytes", key, "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4P\r\n", ErrKey},
		{"key is no base64", key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n", ErrKey},
		{"key with spare bits set", key, "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n", 0},

		{"Origin twice", host, host + "Origin: http://a\r\nOrigin: http://b\r\n", ErrBadRequest},

		{"one subprotocol", host, host + "Sec-WebSocket-Protocol: chat\r\n", 0},
		{"subprotocols over lines", host, host + "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n", 0},
		{"subprotocols that differ in case", host, host + "Sec-WebSocket-Protocol: a, A\r\n", 0},
		{"subprotocols with empty elements", host, host + "Sec-WebSocket-Protocol: a,, b,\r\n", 0},
		{"a subprotocol twice", host, host + "Sec-WebSocket-Protocol: a, b, a\r\n", ErrProtocolHeader},
		{"a subprotocol twice over lines", host, host + "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n", ErrProtocolHeader},
		{"a subprotocol that is no token", host, host + "Sec-WebSocket-Protocol: a b\r\n", ErrProtocolHeader},
		{"a subprotocol that is a URL", host, host + "Sec-WebSocket-Protocol: http://a/\r\n", ErrProtocolHeader},
		{"no subprotocol", host, host + "Sec-WebSocket-Protocol:\r\n", ErrProtocolHeader},
		{"only empty subprotocols", host, host + "Sec-WebSocket-Protocol: ,\r\nSec-WebSocket-Protocol:\r\n", ErrProtocolHeader},

		{"an extension", host, host + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", 0},
		{"extensions over lines", host, host + "Sec-WebSocket-Extensions: foo\r\nSec-WebSocket-Extensions: bar; baz=2\r\n", 0},
		{"a malformed extension", host, host + "Sec-WebSocket-Extensions: foo;\r\n", ErrExtensionsHeader},
		{"an empty list of extensions", host, host + "Sec-WebSocket-Extensions:\r\n", ErrExtensionsHeader},

		{"fields that mean nothing here", host, host + "Expect: 100-continue\r\nCookie: a=b; c=\"d\"\r\nX:\r\n", 0},
		{"a field that only looks like Host", host, host + "Hosts: b\r\nHos: c\r\nHost-: d\r\n", 0},
	} {
		if got := judge(with(t, tt.old, tt.new)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The first rule that is broken decides.
func TestRequestCheckOrder(t *testing.T) {
	steps := []struct {
		want     Error
		old, new string
	}{
		{ErrMethod, "POST", "GET"},
		{ErrHTTPVersion, "HTTP/1.0", "HTTP/1.1"},
		{ErrBadRequest, "* HTTP", "/ HTTP"},
		{ErrHost, "Hos:", "Host:"},
		{ErrRequestBody, "Content-Length: 3", "Content-Length: 0"},
		{ErrUpgradeHeader, "Upgrade: x", "Upgrade: websocket"},
		{ErrConnectionHeader, "Connection: x", "Connection: Upgrade"},
		{ErrVersion, "Version: 8", "Version: 13"},
		{ErrKey, "Key: x", "Key: " + sampleKey},
		{ErrProtocolHeader, "Protocol: ,", "Protocol: a"},
		{ErrExtensionsHeader, "Extensions: ,", "Extensions: a"},
	}
	head := "POST * HTTP/1.0\r\nSec-WebSocket-Extensions: ,\r\nSec-WebSocket-Protocol: ,\r\n" +
		"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 8\r\nConnection: x\r\nUpgrade: x\r\n" +
		"Content-Length: 3\r\nHos: a\r\n\r\n"
	for _, step := range steps {
		if got := judge(head); got != step.want {
			t.Errorf("%v, want %v, for\n%s", got, step.want, head)
		}
		head = strings.Replace(head, step.old, step.new, 1)
	}
	if got := judge(head); got != 0 {
		t.Errorf("%v in the end", got)
	}
}

func TestRequestStatus(t *testing.T) {
	for err, want := range map[Error]int{
		ErrBadRequest: 400, ErrMethod: 405, ErrHTTPVersion: 505, ErrHost: 400, ErrRequestBody: 400,
		ErrUpgradeHeader: 426, ErrConnectionHeader: 426, ErrVersion: 426, ErrKey: 400,
		ErrProtocolHeader: 400, ErrExtensionsHeader: 400, ErrHeadTooBig: 431,
	} {
		if got := err.Status(); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

func TestRequestAbsoluteForm(t *testing.T) {
	for _, tt := range []struct{ target, host, path string }{
		{"/chat?a=b", "field.example", "/chat?a=b"},
		{"http://target.example:81/chat?a=b", "target.example:81", "/chat?a=b"},
		{"ws://target.example", "target.example", "/"},
		{"ws://target.example?a=b", "target.example", "/?a=b"},
		{"mailto:me", "field.example", ""},
	} {
		r := Request{Target: tt.target, Fields: []Field{{"Host", "field.example"}}}
		if r.Host() != tt.host || r.Path() != tt.path {
			t.Errorf("%s: host %q, path %q", tt.target, r.Host(), r.Path())
		}
	}
}

func TestRequestFields(t *testing.T) {
	r := Request{Fields: []Field{{"A", "1"}, {"b", "2"}, {"a", "3"}, {"Origin", ""}}}
	if r.Get("a") != "1" || r.Get("B") != "2" || r.Get("c") != "" || r.Get("") != "" {
		t.Error("Get")
	}
	if got := slices.Collect(r.Values("A")); !slices.Equal(got, []string{"1", "3"}) {
		t.Errorf("Values: %q", got)
	}
	for v := range r.Values("A") {
		if v != "1" {
			t.Error("Values goes on after break")
		}
		break
	}
	if origin, present := r.Origin(); origin != "" || !present {
		t.Errorf("an empty Origin: %q, %v", origin, present)
	}
	if _, present := (&Request{}).Origin(); present {
		t.Error("no Origin is reported as one")
	}
	if got := r.Subprotocols(); got != nil {
		t.Errorf("no subprotocols: %q", got)
	}
}

// The zero Request, and one that no parser would produce, are refused, too.
func TestCheckOfABuiltRequest(t *testing.T) {
	if err := (&Request{}).Check(); err != ErrMethod {
		t.Error(err)
	}
	r, _ := parseRequest(sampleRequest)
	for _, target := range []string{"", "/a b", "/a\r\nb", "//\x00", "http://a\x00/"} {
		r.Target = target
		if err := r.Check(); err != ErrBadRequest {
			t.Errorf("target %q: %v", target, err)
		}
	}
	r.Target, r.Proto = "/", "HTTP/1.100"
	if err := r.Check(); err != ErrHTTPVersion {
		t.Error(err)
	}
}

// net/http's server has parsed the request and taken it apart.
func TestCheckOfANetHTTPRequest(t *testing.T) {
	hr, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sampleRequest)))
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Method: hr.Method, Target: hr.RequestURI, Proto: hr.Proto, Fields: []Field{{"Host", hr.Host}}}
	for name, values := range hr.Header {
		for _, v := range values {
			r.Fields = append(r.Fields, Field{name, v})
		}
	}
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	out, err := AppendAccept(nil, r, AcceptOptions{Subprotocol: "superchat"})
	if err != nil || !bytes.Contains(out, []byte(sampleAccept)) {
		t.Errorf("%v, %q", err, out)
	}
}

// Looking for a repeated subprotocol must not take time that grows with the
// square of the list.
func TestManySubprotocols(t *testing.T) {
	list := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "p%d,", i)
		}
		return with(t, "Host: a\r\n", "Host: a\r\nSec-WebSocket-Protocol: "+b.String()+"\r\n")
	}
	if err := judge(list(maxSubprotocols)); err != 0 {
		t.Errorf("%d: %v", maxSubprotocols, err)
	}
	if err := judge(list(maxSubprotocols + 1)); err != ErrHeadTooBig {
		t.Errorf("%d: %v", maxSubprotocols+1, err)
	}
	if err := judge(list(10_000)); err != ErrHeadTooBig {
		t.Errorf("10,000: %v", err)
	}
}

// Lists that took other parsers more than linear time (CVE-2021-32640), and
// very many fields (CVE-2024-37890).
func TestLongHostileFields(t *testing.T) {
	const n = 1 << 18 // a quadratic parser would need minutes
	for _, tt := range []struct {
		name, value string
		want        Error
	}{
		{"Upgrade", strings.Repeat(",", n), 0},
		{"Connection", strings.Repeat("a ", n), 0},
		{"Connection", strings.Repeat("a,", n), 0},
		{"Sec-WebSocket-Protocol", strings.Repeat(" ,", n) + "a", 0},
		{"Sec-WebSocket-Extensions", strings.Repeat(" \t,", n) + "a", 0},
		{"Sec-WebSocket-Extensions", `a;b="` + strings.Repeat(`\a`, n) + `"`, 0},
		{"Sec-WebSocket-Extensions", `a;b="` + strings.Repeat(`\"`, n), ErrExtensionsHeader},
		{"Sec-WebSocket-Extensions", "a" + strings.Repeat(";b", n) + ";", ErrExtensionsHeader},
		{"Sec-WebSocket-Extensions", strings.Repeat("a;b=c,", n), 0},
		{"X", strings.Repeat(" ", n) + "b" + strings.Repeat(" ", n), 0},
		{"X", strings.Repeat("b\r\nX: ", n/64), 0},
	} {
		head := with(t, "Host: a\r\n", "Host: a\r\n"+tt.name+": "+tt.value+"\r\n")
		if got := judge(head); got != tt.want {
			t.Errorf("%s: %.20q...: %v, want %v", tt.name, tt.value, got, tt.want)
		}
	}
}

// The head is copied once and the fields are collected once.
func TestParseRequestAllocations(t *testing.T) {
	head := []byte(sampleRequest)
	n := testing.AllocsPerRun(100, func() {
		r, err := parseRequest(string(head))
		if err != 0 || r.Check() != nil {
			t.Fatal("refused")
		}
	})
	if n > 3 {
		t.Errorf("%v allocations, want the head, the fields and the request", n)
	}
	r, _ := parseRequest(sampleRequest)
	if len(r.Fields) != cap(r.Fields) {
		t.Errorf("room for %d fields, there are %d", cap(r.Fields), len(r.Fields))
	}
}

// All of a server's side: one allocation more, for the head as it comes in.
func TestServerHandshakeAllocations(t *testing.T) {
	in := []byte(sampleRequest)
	out := make([]byte, 0, 512)
	n := testing.AllocsPerRun(100, func() {
		var h head
		if _, done, err := h.feed(in, 32<<10, 128); !done || err != 0 {
			t.Fatal("incomplete")
		}
		r, _ := parseRequest(string(h.bytes()))
		if r.Check() != nil {
			t.Fatal("refused")
		}
		var err error
		if out, err = AppendAccept(out[:0], r, AcceptOptions{Subprotocol: "chat"}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 4 {
		t.Errorf("%v allocations, want at most 4", n)
	}
}

// requestSeeds are heads around the border between valid and not.
var requestSeeds = []string{
	sampleRequest,
	minimalRequest,
	"\r\n" + minimalRequest,
	strings.Replace(sampleRequest, "/chat", "http://example.com:80/chat?x#", 1),
	strings.Replace(sampleRequest, "/chat", "ws://[::1]", 1),
	strings.Replace(sampleRequest, "Host:", "Host :", 1),
	strings.Replace(sampleRequest, "\r\nOrigin", "\r\n Origin", 1),
	strings.Replace(sampleRequest, "\r\nOrigin", "\nOrigin", 1),
	strings.Replace(sampleRequest, "Origin:", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\nOrigin:", 1),
	strings.Replace(sampleRequest, "Origin:", "Sec-WebSocket-Extensions: a;b=\"c\\d\", e\r\nOrigin:", 1),
	"GET / HTTP/1.1\r\n\r\n",
	"POST * HTTP/1.0\n\n",
}

// feedFuzz feeds in, in chunks whose lengths the fuzzer picks, and checks that
// the chunks make no difference.
func feedFuzz(t *testing.T, in, cuts []byte, maxBytes, maxLines int) (h head, done bool, err Error) {
	n := 0
	for i := 0; n < len(in) && !done && err == 0; i++ {
		chunk := in[n:]
		if i < len(cuts) {
			chunk = chunk[:min(len(chunk), int(cuts[i]))]
		}
		var k int
		k, done, err = h.feed(chunk, maxBytes, maxLines)
		n += k
	}
	var once head
	onceN, onceDone, onceErr := once.feed(in, maxBytes, maxLines)
	if n != onceN || done != onceDone || err != onceErr || !bytes.Equal(h.bytes(), once.bytes()) {
		t.Fatalf("in chunks %d, %v, %v; at once %d, %v, %v", n, done, err, onceN, onceDone, onceErr)
	}
	if len(h.buf) > maxBytes {
		t.Fatalf("%d bytes stored", len(h.buf))
	}
	return h, done, err
}

// FuzzRequest: chunks make no difference, what is accepted is accepted by
// net/http as well and read alike, and its answer is accepted by our client.
func FuzzRequest(f *testing.F) {
	seen := digest.Of(f)
	for _, seed := range requestSeeds {
		f.Add([]byte(seed), []byte{1, 0, 7, 30})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		h, done, err := feedFuzz(t, in, cuts, 4096, 32)
		seen.Add(done, err)
		if !done {
			return
		}
		r, err := parseRequest(string(h.bytes()))
		seen.Add(r, err)
		if err != 0 {
			return
		}
		wellFormed(t, r.Fields)
		seen.Add(r.Check(), r.Host(), r.Path(), r.Subprotocols())
		if r.Check() != nil {
			return
		}
		compareWithNetHTTP(t, r, h.bytes())

		names := append(r.Subprotocols(), "")
		out, accErr := AppendAccept(nil, r, AcceptOptions{Subprotocol: names[0]})
		if accErr != nil {
			t.Fatal(accErr)
		}
		seen.Add(string(out))
		resp, err := parseResponse(out)
		if err != 0 {
			t.Fatal(err)
		}
		if chosen, err := checkPlain(resp, r.Get("Sec-WebSocket-Key"), names); err != 0 || chosen != names[0] {
			t.Errorf("our client says %q, %v to %q", chosen, err, out)
		}
	})
}

// Every request that is one byte away from a valid one, for the bytes that
// matter to parsers: none may be accepted that net/http refuses or reads
// otherwise.
func TestRequestsOneByteAway(t *testing.T) {
	const bytesThatMatter = "\x00\t\n\r \"#%,/0:;=@A\\\x7f\x80\xff"
	accepted := 0
	try := func(head []byte) {
		r, err := parseRequest(string(head))
		if err == 0 && r.check() == 0 {
			compareWithNetHTTP(t, r, head)
			accepted++
		}
	}
	for _, seed := range []string{sampleRequest, with(t, "GET /", "GET http://b:1/a?b")} {
		for i := range seed {
			before, after := seed[:i], seed[i+1:]
			try([]byte(before + after))
			for _, c := range []byte(bytesThatMatter) {
				try(append(append([]byte(before), c), after...))
				try(append(append([]byte(before), c), seed[i:]...))
			}
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d requests were accepted", accepted)
	}
}

func wellFormed(t *testing.T, list fields) {
	for _, f := range list {
		if !f.valid() || f.Value != strings.Trim(f.Value, " \t") {
			t.Errorf("field %q", f)
		}
	}
}

// compareWithNetHTTP: there are two known differences. A target that is no
// URL, such as one with a stray percent sign, is the application's affair
// here; and net/http lets the target of an absolute-form replace Host.
func compareWithNetHTTP(t *testing.T, r *Request, head []byte) {
	head = bytes.TrimPrefix(head, []byte("\r\n"))
	hr, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		if strings.Contains(err.Error(), "parse ") {
			return
		}
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	if hr.Method != r.Method || hr.RequestURI != r.Target || hr.Proto != r.Proto || hr.Host != r.Host() {
		t.Errorf("net/http reads %q %q %q, host %q, from %q", hr.Method, hr.RequestURI, hr.Proto, hr.Host, head)
	}
	if hr.ContentLength != 0 || len(hr.TransferEncoding) != 0 {
		t.Errorf("net/http finds a body in %q", head)
	}
	for name, values := range hr.Header {
		if got := slices.Collect(r.Values(name)); !slices.Equal(got, values) {
			t.Errorf("%s: %q, net/http has %q", name, got, values)
		}
	}
}

// The text of a request that came on the wire is what it can be parsed from again.
func TestRequestText(t *testing.T) {
	settings, err := NewSettings(Config{})
	if err != nil {
		t.Fatal(err)
	}
	wire := "\r\n" + browserRequest
	for cut := range len(wire) + 1 {
		c := NewServer(settings, 0)
		in := []byte(wire)
		n, ev := c.Recv(0, in[:cut], nil)
		if ev.Kind == EventNone {
			_, ev = c.Recv(0, in[n:], nil)
		}
		r := c.Request()
		if ev.Kind != EventRequest || r == nil {
			t.Fatalf("cut at %d: %+v", cut, ev)
		}
		clear(in) // it belongs to the caller
		if r.Text() != wire {
			t.Fatalf("cut at %d: the text is %q", cut, r.Text())
		}
		again, err := ParseRequest(r.Text())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("cut at %d: parsed again it is %+v (%v), want %+v", cut, again, err, r)
		}
	}
}

func TestParseRequestErrors(t *testing.T) {
	for _, head := range []string{"", "\r\n", "GET / HTTP/1.1\r\n", strings.TrimSuffix(browserRequest, "\r\n"), browserRequest + "x"} {
		if r, err := ParseRequest(head); err != ErrBadRequest || r != nil {
			t.Errorf("%q: %+v, %v", head, r, err)
		}
	}
	if text := (&Request{}).Text(); text != "" {
		t.Errorf("one that was built by hand has the text %q", text)
	}
}
