package core

import (
	"testing"
)

func parsed(t *testing.T, head string) *Request {
	t.Helper()
	r, err := parseRequest(head)
	if err != 0 {
		t.Fatal(err)
	}
	return r
}

func TestAppendAccept(t *testing.T) {
	got, err := AppendAccept([]byte("before"), parsed(t, sampleRequest), AcceptOptions{
		Subprotocol: "chat",
		Header:      []Field{{"Set-Cookie", "a=b"}, {"X-Empty", ""}},
	})
	want := "before" +
		"HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
		"Sec-WebSocket-Protocol: chat\r\n" +
		"Set-Cookie: a=b\r\n" +
		"X-Empty: \r\n" +
		"\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, %q, want %q", err, got, want)
	}
}

func TestAppendAcceptSubprotocol(t *testing.T) {
	r := parsed(t, sampleRequest)
	for name, want := range map[string]error{
		"":                nil,
		"chat":            nil,
		"superchat":       nil,
		"CHAT":            ErrSubprotocolNotOffered,
		"cha":             ErrSubprotocolNotOffered,
		"chat, superchat": ErrSubprotocolNotOffered,
		" chat":           ErrSubprotocolNotOffered,
		"chat\r\nX: y":    ErrSubprotocolNotOffered,
		"mqtt":            ErrSubprotocolNotOffered,
	} {
		got, err := AppendAccept([]byte("before"), r, AcceptOptions{Subprotocol: name})
		if err != want {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
		if err != nil && string(got) != "before" {
			t.Errorf("%q: appended %q in spite of the error", name, got)
		}
	}
	// A request built by hand can offer what no parser lets through.
	r.Fields = append(r.Fields, Field{"Sec-WebSocket-Protocol", "a\r\nX: y"})
	if _, err := AppendAccept(nil, r, AcceptOptions{Subprotocol: "a\r\nX: y"}); err != ErrSubprotocolNotOffered {
		t.Error(err)
	}
}

// badFields are those that no option may add to a head: they would inject
// lines (CVE-2026-1527), or contradict the handshake.
var badFields = []Field{
	{"", "x"},
	{"X Y", "x"},
	{" X", "x"},
	{"X:", "x"},
	{"X\r\nEvil", "x"},
	{"X\x00", "x"},
	{"X\xe9", "x"},
	{"X", "a\r\nEvil: b"},
	{"X", "a\r\n\r\nbody"},
	{"X", "a\r\n folded"},
	{"X", "a\nEvil: b"},
	{"X", "a\rEvil: b"},
	{"X", "a\x00"},
	{"X", "a\x7f"},
	{"X", "\r"},
	{"X", "\n"},
	{"Host", "evil.example"},
	{"Upgrade", "h2c"},
	{"upgrade", "h2c"},
	{"Connection", "close"},
	{"CONNECTION", "close"},
	{"Content-Length", "5"},
	{"Transfer-Encoding", "chunked"},
	{"Sec-WebSocket-Accept", sampleAccept},
	{"Sec-WebSocket-Extensions", "permessage-deflate"},
	{"Sec-WebSocket-Key", sampleKey},
	{"sec-websocket-protocol", "chat"},
	{"Sec-WebSocket-Version", "13"},
	{"SEC-WEBSOCKET-ANYTHING", "x"},
	{"Sec-WebSocket-", "x"},
}

func TestBadFieldsInOptions(t *testing.T) {
	r := parsed(t, sampleRequest)
	for _, f := range badFields {
		header := []Field{{"X-Good", "good"}, f}
		for name, f := range map[string]func([]byte) ([]byte, error){
			"AppendAccept": func(dst []byte) ([]byte, error) { return AppendAccept(dst, r, AcceptOptions{Header: header}) },
			"AppendReject": func(dst []byte) ([]byte, error) { return AppendReject(dst, RejectOptions{Header: header}) },
			"appendRequest": func(dst []byte) ([]byte, error) {
				return appendRequest(dst, RequestOptions{Host: "a", Header: header}, sampleKey, "")
			},
		} {
			dst := append(make([]byte, 0, 1000), "before"...)
			got, err := f(dst)
			if err != ErrHandshakeOption {
				t.Errorf("%s with %q: %v", name, header[1], err)
			}
			if string(got) != "before" || string(got[:10]) != "before\x00\x00\x00\x00" {
				t.Errorf("%s with %q: wrote %q in spite of the error", name, header[1], got[:20])
			}
		}
	}
}

// A long but odd value is the caller's right.
func TestGoodFieldsInOptions(t *testing.T) {
	header := []Field{
		{"X", "caf\xc3\xa9 \xff\tä"},
		{"Sec-WebSocke", "close"},
		{"Sec-Fetch-Mode", "websocket"},
		{"Origin", "null"},
		{"X", ""},
		{"x", "again"},
		{"!#$%&'*+-.^_`|~09azAZ", `"(),/:;<=>?@[\]{}`},
	}
	out, err := appendRequest(nil, RequestOptions{Host: "a", Header: header}, sampleKey, "")
	if err != nil {
		t.Fatal(err)
	}
	got := parsed(t, string(out)).Fields[5:]
	if len(got) != len(header) {
		t.Fatalf("%d fields, want %d", len(got), len(header))
	}
	for i := range got {
		if got[i] != header[i] {
			t.Errorf("%q, want %q", got[i], header[i])
		}
	}
}

func TestAppendAcceptDoesNotAllocate(t *testing.T) {
	r := parsed(t, sampleRequest)
	dst := make([]byte, 0, 1024)
	header := []Field{{"X", "y"}}
	n := testing.AllocsPerRun(100, func() {
		dst, _ = AppendAccept(dst[:0], r, AcceptOptions{Subprotocol: "chat", Header: header})
	})
	if n != 0 || len(dst) == 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
