package core

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/internal/digest"
)

// sampleResponse is that of RFC 6455 section 1.3.
const sampleResponse = "HTTP/1.1 101 Switching Protocols\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
	"Sec-WebSocket-Protocol: chat\r\n" +
	"\r\n"

// judgeResponse returns what the client that sent sampleRequest makes of a head.
func judgeResponse(head string) (subprotocol string, err Error) {
	r, err := parseResponse([]byte(head))
	if err != 0 {
		return "", err
	}
	return checkPlain(r, sampleKey, []string{"chat", "superchat"})
}

func TestSampleResponse(t *testing.T) {
	r, err := parseResponse([]byte(sampleResponse))
	if err != 0 {
		t.Fatal(err)
	}
	if r.Status != 101 || r.Reason != "Switching Protocols" || r.Proto != "HTTP/1.1" {
		t.Errorf("%d %q %q", r.Status, r.Reason, r.Proto)
	}
	want := []Field{
		{"Upgrade", "websocket"},
		{"Connection", "Upgrade"},
		{"Sec-WebSocket-Accept", sampleAccept},
		{"Sec-WebSocket-Protocol", "chat"},
	}
	if !slices.Equal(r.Fields, want) {
		t.Errorf("fields %q", r.Fields)
	}
	if r.Get("UPGRADE") != "websocket" || !slices.Equal(slices.Collect(r.Values("connection")), []string{"Upgrade"}) {
		t.Error("Get or Values")
	}
	if chosen, err := checkPlain(r, sampleKey, []string{"superchat", "chat"}); chosen != "chat" || err != 0 {
		t.Errorf("%q, %v", chosen, err)
	}
}

// RFC 9112 sections 2, 4 and 5, and RFC 6455 section 4.1.
func TestResponse(t *testing.T) {
	const (
		status   = "HTTP/1.1 101 Switching Protocols\r\n"
		upgrade  = "Upgrade: websocket\r\n"
		conn     = "Connection: Upgrade\r\n"
		accept   = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		protocol = "Sec-WebSocket-Protocol: chat\r\n"
	)
	for _, tt := range []struct {
		name     string
		old, new string
		want     Error
	}{
		{"the sample", "", "", 0},
		{"no reason phrase", status, "HTTP/1.1 101 \r\n", 0},
		{"no space before no reason phrase", status, "HTTP/1.1 101\r\n", 0},
		{"another reason phrase", status, "HTTP/1.1 101 \xc3\xa7a\tva\r\n", 0},
		{"HTTP/1.2", status, "HTTP/1.2 101 x\r\n", 0},
		{"HTTP/1.0", status, "HTTP/1.0 101 x\r\n", ErrBadResponse},
		{"HTTP/2.0", status, "HTTP/2.0 101 x\r\n", ErrBadResponse},
		{"HTTP/1", status, "HTTP/1 101 x\r\n", ErrBadResponse},
		{"ICY", status, "ICY 101 x\r\n", ErrBadResponse},
		{"no status", status, "HTTP/1.1\r\n", ErrBadResponse},
		{"two spaces before the status", status, "HTTP/1.1  101 x\r\n", ErrBadResponse},
		{"a tab before the status", status, "HTTP/1.1\t101 x\r\n", ErrBadResponse},
		{"a status of two digits", status, "HTTP/1.1 10 x\r\n", ErrBadResponse},
		{"a status of four digits", status, "HTTP/1.1 1010 x\r\n", ErrBadResponse},
		{"a status with a sign", status, "HTTP/1.1 +10 x\r\n", ErrBadResponse},
		{"a status with a letter in the middle", status, "HTTP/1.1 1x1 x\r\n", ErrBadResponse},
		{"a status with a letter at the end", status, "HTTP/1.1 10x x\r\n", ErrBadResponse},
		{"status 099", status, "HTTP/1.1 099 x\r\n", ErrBadResponse},
		{"a control character in the reason", status, "HTTP/1.1 101 a\x00b\r\n", ErrBadResponse},
		{"bare CR in the reason", status, "HTTP/1.1 101 a\rb\r\n", ErrBadResponse},
		{"bare LF", status, "HTTP/1.1 101 x\n", ErrBadResponse},
		{"an empty line before", status, "\r\n" + status, ErrBadResponse},
		{"obs-fold", conn, "Connection:\r\n Upgrade\r\n", ErrBadResponse},
		{"a space before the colon", conn, "Connection : Upgrade\r\n", ErrBadResponse},
		{"a request", status, "GET / HTTP/1.1\r\n", ErrBadResponse},

		{"status 200", status, "HTTP/1.1 200 OK\r\n", ErrStatus},
		{"status 403 of HTTP/1.0", status, "HTTP/1.0 403 Forbidden\r\n", ErrStatus},
		{"status 999", status, "HTTP/1.1 999 x\r\n", ErrStatus},
		{"status 100", status, "HTTP/1.1 100 Continue\r\n", ErrStatus},

		{"no Upgrade", upgrade, "", ErrResponseUpgrade},
		{"Upgrade in capitals", upgrade, "UPGRADE: WebSocket\r\n", 0},
		{"Upgrade to something else", upgrade, "Upgrade: h2c\r\n", ErrResponseUpgrade},
		{"Upgrade to something else as well", upgrade, "Upgrade: websocket, h2c\r\n", ErrResponseUpgrade},
		{"Upgrade to something else on another line", upgrade, "Upgrade: h2c\r\n" + upgrade, ErrResponseUpgrade},
		{"Upgrade is empty", upgrade, "Upgrade:\r\n", ErrResponseUpgrade},
		{"no Connection", conn, "", ErrResponseUpgrade},
		{"Connection lists more", conn, "Connection: keep-alive, UPGRADE\r\n", 0},
		{"Connection over lines", conn, "Connection: keep-alive\r\nConnection: upgrade\r\n", 0},
		{"Connection without Upgrade", conn, "Connection: keep-alive\r\n", ErrResponseUpgrade},

		{"no Accept", accept, "", ErrAcceptKey},
		{"Accept is empty", accept, "Sec-WebSocket-Accept:\r\n", ErrAcceptKey},
		{"Accept with whitespace around", accept, "Sec-WebSocket-Accept: \t" + sampleAccept + " \r\n", 0},
		{"Accept in another case", accept, "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", ErrAcceptKey},
		{"Accept is another key's", accept, "Sec-WebSocket-Accept: Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=\r\n", ErrAcceptKey},
		{"Accept is the key", accept, "Sec-WebSocket-Accept: " + sampleKey + "\r\n", ErrAcceptKey},
		{"Accept twice", accept, accept + accept, ErrAcceptKey},

		{"no subprotocol", protocol, "", 0},
		{"a subprotocol that was not offered", protocol, "Sec-WebSocket-Protocol: mqtt\r\n", ErrResponseProtocol},
		{"a subprotocol in another case", protocol, "Sec-WebSocket-Protocol: CHAT\r\n", ErrResponseProtocol},
		{"an empty subprotocol", protocol, "Sec-WebSocket-Protocol:\r\n", ErrResponseProtocol},
		{"two subprotocols", protocol, "Sec-WebSocket-Protocol: chat, superchat\r\n", ErrResponseProtocol},
		{"a subprotocol twice", protocol, protocol + protocol, ErrResponseProtocol},

		{"an extension", protocol, "Sec-WebSocket-Extensions: permessage-deflate\r\n", ErrResponseExtension},
		{"no extension in so many words", protocol, "Sec-WebSocket-Extensions:\r\n", ErrResponseExtension},

		{"a length means nothing in a 101", conn, conn + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 0},
	} {
		if !strings.Contains(sampleResponse, tt.old) {
			t.Fatalf("%q is not in the response", tt.old)
		}
		head := strings.Replace(sampleResponse, tt.old, tt.new, 1)
		subprotocol, err := judgeResponse(head)
		if err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != 0 && subprotocol != "" {
			t.Errorf("%s: subprotocol %q in spite of %v", tt.name, subprotocol, err)
		}
	}
}

func TestResponseWithoutAnOffer(t *testing.T) {
	r, _ := parseResponse([]byte(sampleResponse))
	if _, err := checkPlain(r, sampleKey, nil); err != ErrResponseProtocol {
		t.Error(err)
	}
}

func TestInterimResponse(t *testing.T) {
	for status, want := range map[int]bool{100: true, 101: false, 102: true, 103: true, 199: true, 200: false, 404: false} {
		if got := (&Response{Status: status}).interim(); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}

// FuzzResponse: chunks make no difference, and what is accepted is read alike
// by net/http.
func FuzzResponse(f *testing.F) {
	seen := digest.Of(f)
	for _, seed := range []string{
		sampleResponse,
		strings.Replace(sampleResponse, " Switching Protocols", "", 1),
		strings.Replace(sampleResponse, "\r\nUpgrade", "\r\n Upgrade", 1),
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + sampleResponse,
		"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno",
		"HTTP/1.0 200 OK\n\n",
	} {
		f.Add([]byte(seed), []byte{1, 0, 7, 30})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		h, done, err := feedFuzz(t, in, cuts, 4096, 32)
		seen.Add(done, err)
		if !done {
			return
		}
		r, err := parseResponse(h.bytes())
		seen.Add(r, err)
		if err != 0 {
			return
		}
		wellFormed(t, r.Fields)
		chosen, err := checkPlain(r, sampleKey, []string{"chat"})
		seen.Add(chosen, err)
		if err != 0 {
			return
		}
		hr, netErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(h.bytes())), nil)
		if netErr != nil {
			// Fields that mean nothing in a 101 are not looked at here.
			if r.Get("Content-Length") != "" || r.Get("Transfer-Encoding") != "" || r.Get("Trailer") != "" {
				return
			}
			t.Fatalf("net/http refuses %q: %v", h.bytes(), netErr)
		}
		if hr.StatusCode != 101 || hr.Proto != r.Proto || hr.Header.Get("Upgrade") == "" {
			t.Errorf("net/http reads %d %q from %q", hr.StatusCode, hr.Proto, h.bytes())
		}
	})
}

// https://www.rfc-editor.org/rfc/rfc9112#section-6.3
func TestResponseEnded(t *testing.T) {
	for _, tt := range []struct {
		head, body string
		want       bool
	}{
		{"HTTP/1.1 403 Forbidden\r\n\r\n", "", false},
		{"HTTP/1.1 403 Forbidden\r\n\r\n", "to the end", false},
		{"HTTP/1.1 204 No Content\r\n\r\n", "", true},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", true},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "", true},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\n", "1234", false},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\n", "12345", true},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\n", "123456", true},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: -5\r\n\r\n", "12345", false},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 99999999999999999999\r\n\r\n", "12345", false},
		{"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", "", false},
		{"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n", true},
		{"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nno\r\n", false},
		{"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nno\r\n0\r\n\r\n", true},
	} {
		r, err := parseResponse([]byte(tt.head))
		if err != 0 {
			t.Fatal(err)
		}
		if got := r.Ended([]byte(tt.body)); got != tt.want {
			t.Errorf("%q %q: %v", tt.head, tt.body, got)
		}
	}
}

// checkPlain is check for a client that offered no extension.
func checkPlain(r *Response, key string, offered []string) (subprotocol string, err Error) {
	subprotocol, _, err = r.check(&Settings{}, key, offered)
	return subprotocol, err
}
