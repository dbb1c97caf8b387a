package flight_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// feed passes input in pieces of size bytes and takes the output.
func feed(f *flight.Flight, now clock.Time, in string, size int) {
	for in != "" {
		p := []byte(in[:min(size, len(in))])
		in = in[len(p):]
		for {
			n, ev := f.Recv(now, p, make([]byte, core.ScratchSize))
			p = p[n:]
			f.AppendOutput(nil)
			if ev.Kind == core.EventNone {
				break
			}
		}
		in = string(p) + in
		if f.Request() != nil {
			f.Accept(now, core.AcceptOptions{Subprotocol: "plant6", Header: []core.Field{{Name: "X-Set", Value: "plant7"}}})
			f.AppendOutput(nil)
		}
	}
}

// Everything that users may want to hide is planted, and must not be found, as
// it is or masked.
func TestRedaction(t *testing.T) {
	mask := frame.Mask{0x11, 0x22, 0x33, 0x44}
	masked := func(op frame.Opcode, fin bool, p string) string {
		return string(frame.AppendFrame(nil, frame.Header{Fin: fin, Opcode: op, Masked: true, Mask: mask}, []byte(p)))
	}
	head := "GET /plant1?plant2=1 HTTP/1.1\r\nHost: plant3.example:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: a=plant4\r\nAuthorization: Basic plant5\r\n" +
		"sec-websocket-protocol: other, plant6\r\nOrigin: https://plant8.example\r\nX-Plain: \tplant9 and plant9\r\n\r\n"
	for _, size := range []int{1, 3, 50, 10000} {
		f := record(t, flight.Birth{Label: "plant0"}, flight.Options{Redact: true})
		feed(f, 1, head, size)
		feed(f, 2, masked(frame.Text, false, "plantA ünï"), size)
		feed(f, 2, masked(frame.Ping, true, "plantB"), size)
		feed(f, 2, masked(frame.Continuation, true, "plantC"), size)
		feed(f, 2, masked(frame.Binary, true, "plantD"), size)
		feed(f, 2, masked(frame.Pong, true, "plantE"), size)
		f.AppendMessage(nil, frame.Text, []byte("plantF €"))
		f.AppendFragment(nil, frame.Binary, []byte("plantG"), false)
		f.AppendFragment(nil, frame.Continuation, []byte("plantH"), true)
		f.AppendPing(nil, []byte("plantI"))
		f.AppendClose(3, nil, 1000, "plantJ")
		feed(f, 4, masked(frame.Close, true, "\x0f\xa1plantK"), size)
		feed(f, 4, "plantL", size)
		file := f.AppendRecording(nil, "plantM")
		wantNoPlants(t, file, mask)
		r, steps := replays(t, f)
		if !r.Redacted || r.Label != "" || r.Cause != "" || r.Stopped != "" {
			t.Errorf("facts: %+v", r)
		}
		all := strings.Join(steps, "\n")
		for _, kept := range []string{"event: close, code 4001, 6 bytes", "AppendMessage text, 10 bytes; output 12 bytes", `AppendClose 1000 "xxxxxx"`, "event: pong, first"} {
			if !strings.Contains(all, kept) {
				t.Errorf("in pieces of %d: no %q in\n%s", size, kept, all)
			}
		}
		for _, kept := range []string{"GET /", "Cookie", "Authorization", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Upgrade: websocket"} {
			if !bytes.Contains(file, []byte(kept)) && size > 100 {
				t.Errorf("%q is not kept", kept)
			}
		}
	}
}

func wantNoPlants(t *testing.T, file []byte, mask frame.Mask) {
	t.Helper()
	for pos := range 4 {
		plant := []byte("plant")
		if bytes.Contains(file, plant) {
			at := bytes.Index(file, plant)
			t.Fatalf("a secret is in the file: %q", file[max(0, at-20):at+10])
		}
		mask.XOR(plant, pos)
		if bytes.Contains(file, plant) {
			t.Fatalf("a secret is in the file, masked: %q", file)
		}
	}
}

// A client's secrets: what it asks for, what it is answered, what it is refused
// with.
func TestRedactionOfClients(t *testing.T) {
	seen := &keeper{next: 100}
	for _, answer := range []string{
		"HTTP/1.1 101 plant1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: plant2\r\nSet-Cookie: plant3\r\n\r\n",
		"HTTP/1.1 101 plant1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: plant4\r\n\r\n",
		"HTTP/1.1 302 plant1\r\nLocation: http://plant2/\r\nContent-Length: 6\r\n\r\nplant3",
		"HTTP/1.1 plant\r\n\r\n",
		"plant\r\n\r\n",
	} {
		f := record(t, flight.Birth{Role: core.Client, Settings: settings(t, core.Config{Entropy: seen.draw}), Request: core.RequestOptions{
			Host: "plant5.example", Target: "/plant6?plant7", Subprotocols: []string{"plant2", "other"},
			Header: []core.Field{{Name: "Authorization", Value: "Bearer plant8"}},
		}}, flight.Options{Redact: true})
		key := keyIn(f.AppendOutput(nil))
		feed(f, 1, strings.ReplaceAll(answer, "KEY", core.AcceptKey(key)), 7)
		f.AppendMessage(nil, frame.Text, []byte("plant9"))
		feed(f, 2, "\x81\x06plantA\x89\x06plantB", 7)
		file := f.AppendRecording(nil, "")
		wantNoPlants(t, file, frame.Mask{})
		for _, w := range seen.words {
			wantNoPlants(t, file, frame.Mask{byte(w), byte(w >> 8), byte(w >> 16), byte(w >> 24)})
		}
		if r, _ := replays(t, f); r.Stopped != "" {
			t.Errorf("%q: %s", answer, r.Stopped)
		}
	}
}

// A keeper is entropy that is remembered.
type keeper struct {
	next  uint32
	words []uint32
}

func (k *keeper) draw() uint32 {
	k.next += 0x12345677
	k.words = append(k.words, k.next)
	return k.next
}

// What is wrong with a handshake or a stream is as wrong when it is redacted.
func TestRedactionKeepsViolations(t *testing.T) {
	good := sampleRequest
	for _, in := range []string{
		strings.Replace(good, "GET", "POST", 1),
		strings.Replace(good, "GET", "get", 1),
		strings.Replace(good, "HTTP/1.1", "HTTP/1.0", 1),
		strings.Replace(good, "HTTP/1.1", "HTTP/secret", 1),
		strings.Replace(good, "/chat", "chat", 1),
		strings.Replace(good, "/chat", "ws://user@secret/chat", 1),
		strings.Replace(good, "/chat", "ws://secret:80/chat", 1),
		strings.Replace(good, "/chat", "ws://secret?chat", 1),
		strings.Replace(good, "/chat", "ftp://secret/chat", 1),
		strings.Replace(good, "/chat", "/chat#secret", 1),
		strings.Replace(good, "/chat", "/ch\xe4t", 1),
		strings.Replace(good, "/chat", "", 1),
		strings.Replace(good, " /chat?token=sesame", "", 1),
		strings.Replace(good, "server.example.com:80", "a:b", 1),
		strings.Replace(good, "server.example.com:80", "[::1", 1),
		strings.Replace(good, "server.example.com:80", "[::1]:8080", 1),
		strings.Replace(good, "server.example.com:80", "", 1),
		strings.Replace(good, "server.example.com:80", "\xff", 1),
		strings.Replace(good, "Host:", "X:", 1),
		strings.Replace(good, "Origin:", "Host:", 1),
		strings.Replace(good, "Origin:", "Content-Length: 0\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Content-Length: 1\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Transfer-Encoding: secret\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Origin: a\r\nOrigin:", 1),
		strings.Replace(good, "Cookie:", "Cookie :", 1),
		strings.Replace(good, "Cookie:", " Cookie:", 1),
		strings.Replace(good, "Cookie: sid=sesame", "sid=sesame", 1),
		strings.Replace(good, "sesame.v1", "chat", 1),
		strings.Replace(good, "sesame.v1", "ses@me", 1),
		strings.Replace(good, "sesame.v1", ",", 1),
		strings.Replace(good, "chat, sesame.v1", ",", 1),
		strings.Replace(good, "sid=sesame", "sid=\x01", 1),
		strings.Replace(good, "sid=sesame", "sid=ses\xe4me\x7f", 1),
		strings.Replace(good, "\r\n", "\n", 1),
		strings.Replace(good, "Origin:", "X: \r\nOrigin:", 300),
		strings.Replace(good, "Upgrade: websocket", "Upgrade: secret/1, WebSocket", 1),
		strings.Replace(good, "Upgrade: websocket", "Upgrade: websocket/secret", 1),
		strings.Replace(good, "Upgrade: websocket", "Upgrade: web socket", 1),
		strings.Replace(good, "Connection: Upgrade", "Connection: keep-alive , UPGRADE,, secret", 1),
		strings.Replace(good, "Connection: Upgrade", "Connection: secret", 1),
		strings.Replace(good, "Version: 13", "Version: secret", 1),
		strings.Replace(good, "Version: 13", "Version: 13, 8", 1),
		strings.Replace(good, "Version: 13", "Version: 8", 1),
		strings.Replace(good, "Version: 13", "Version: +13", 1),
		strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "secret", 1),
		strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "secretsecretsecretsecr=", 1),
		strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "secretsecretsecretsecret", 1),
		strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j:Q==", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Key: secret\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15, secret; secret=\"secret\"\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Extensions: secret; a=\"se cret\"\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Extensions: secret; a=\"s\\ecret\", b\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Extensions: secret; a=\"s\\\"\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Extensions: secret/1\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "Sec-WebSocket-Extensions: s\xe4cret\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", ": secret\r\nOrigin:", 1),
		strings.Replace(good, "Origin:", "X@secret: secret\r\nOrigin:", 1),
		strings.Replace(good, "GET", "POST", 1)[:5] + "secret#1" + good[4:],
		strings.Replace(good, "GET", "secret:", 1),
		strings.Repeat("\r\n", 2) + good,
		"\r\n" + good,
		"\x16\x03\x01secret",
		good + strings.Repeat("x", 50),
		"GET /" + strings.Repeat("secret", 10_000),
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("secret", 10_000),
		strings.Repeat("X: y\r\n", 200),
	} {
		for _, size := range []int{1, 100, 100_000} {
			checkRedacted(t, false, core.Server, []byte(in), size)
		}
	}
	for _, in := range []string{
		"\x81\x05", "\xf1\x85abcdsecret", "\x83\x85abcdsecret", "\x01\x85abcdsecret\x01\x85abcdsecret", "\x80\x85abcdsecret",
		"\x81\xfe\x00\x05abcdsecret", "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x05abcdsecret", "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x05abcdsecret",
		"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xffabcdsecret", "\x88\x81\x00\x00\x00\x00a", "\x88\x82\x00\x00\x00\x00\x00\x00",
		"\x88\x84\x00\x00\x00\x00\x03\xe8\xff\xff", "\x09\x80abcd", "\x89\xfe\x00\x80abcd", "\x81\x83\x00\x00\x00\x00\xed\xa0\x80",
		"\x01\x81\x00\x00\x00\x00\xe0\x80\x81\x00\x00\x00\x00\x9f", "\x81\x81\x00\x00\x00\x00\xc3", "\x81\x05secret", "\x88\x80abcdsecret",
	} {
		for _, size := range []int{1, 5, 100_000} {
			checkRedacted(t, true, core.Server, []byte(in), size)
			checkRedacted(t, true, core.Client, []byte(in), size)
		}
	}
}

// What lines become: nothing stays but what every handshake has, and what makes a
// line invalid.
func TestRedactedLines(t *testing.T) {
	for in, want := range map[string]string{
		"GET /a?b=c%20d HTTP/1.1":                        "GET /xxxxxxxxx HTTP/1.1",
		"GET wss://a.b:1/c HTTP/1.1":                     "GET wss://xxxxx/x HTTP/1.1",
		"GET wss://u:p@a/c HTTP/1.1":                     "GET wss://@@@@@/x HTTP/1.1",
		"GET ftp://a/p%w HTTP/1.1":                       "GET xxxxxxxxxxx HTTP/1.1",
		"p@ss:w0rd!? [x] {y}":                            "x@xx@xxxxx@ xxx xxx",
		"HTTP/1.1 1-1 it's, so":                          "HTTP/1.1 xxx xxxxx xx",
		"X\nno colon! (at all)":                          "x\nxx xxxxxx xxx xxxx",
		"X\n lead: p@ss":                                 "x\n xxxxx xxxx",
		"X\n: p@ss":                                      "x\nx xxxx",
		"X\nCookie: a=b; c=\"d\"":                        "x\nCookie: xxxx xxxxx",
		"X\nHost: a b/c":                                 "x\nHost: @ @@@",
		"X\nUpgrade: h2c, WebSocket/13":                  "x\nUpgrade: xxx, WebSocket@13",
		"X\nConnection: keep-alive, p(w)":                "x\nConnection: keep-alive, x@x@",
		"X\nSec-WebSocket-Version: 13, 1313":             "x\nSec-WebSocket-Version: 13, xxxx",
		"X\nSec-WebSocket-Key: p@ss=":                    "x\nSec-WebSocket-Key: xxxxx",
		"X\nSec-WebSocket-Accept: p@ss=":                 "x\nSec-WebSocket-Accept: xxxxx",
		"X\nSec-WebSocket-Extensions: p:q; r=\"\\s t\"":  "x\nSec-WebSocket-Extensions: x@x; x=\"\\x x\"",
		"X\nSec-WebSocket-Protocol: a, bc, a, p@w, \x80": "x\nSec-WebSocket-Protocol: a, bx, a, x@x, \x80",
		"X\nsec-websocket-extensions: permessage-deflate; client_max_window_bits=15": "x\nsec-websocket-extensions: permessage-deflate; client_max_window_bits=15",
		"X\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==":                             "x\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"X\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=":                      "x\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
	} {
		if got := string(flight.RedactHead([]byte(in), len(in))); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// checkRedacted feeds a redacted flight and checks that the copy could follow.
func checkRedacted(t *testing.T, open bool, role core.Role, in []byte, size int) {
	t.Helper()
	f := record(t, flight.Birth{Role: role, Open: open}, flight.Options{Redact: true})
	accepted := false
	for i := 0; i < len(in); i += size {
		p := bytes.Clone(in[i:min(i+size, len(in))])
		for {
			n, ev := f.Recv(clock.Time(i), p, make([]byte, core.ScratchSize))
			p = p[n:]
			if ev.Kind == core.EventNone && (accepted || f.Request() == nil) {
				break
			}
			if ev.Kind == core.EventRequest || f.Request() != nil && !accepted {
				accepted = true
				if err := f.Accept(clock.Time(i), core.AcceptOptions{Subprotocol: "sesame.v1"}); err != nil && f.Request() != nil {
					f.Reject(clock.Time(i), core.RejectOptions{Body: []byte("secret")})
				}
			}
		}
	}
	f.AppendOutput(nil)
	f.Tick(clock.Time(time.Hour))
	r, steps := replays(t, f)
	if r.Stopped != "" {
		t.Errorf("%q in pieces of %d: %s after %q", in[:min(len(in), 400)], size, r.Stopped, steps[max(0, len(steps)-2):])
	}
	file := f.AppendRecording(nil, "")
	if bytes.Contains(file, []byte("secret")) || bytes.Contains(file, []byte("sesame")) {
		t.Errorf("%q in pieces of %d: a secret is in the file", in[:min(len(in), 400)], size)
	}
}

// Whatever comes, the redacted copy does what the connection does.
func FuzzRedact(f *testing.F) {
	f.Add(uint8(0), uint16(7), []byte(sampleRequest))
	f.Add(uint8(0), uint16(700), []byte(sampleRequest+"\x81\x85\x00\x00\x00\x00hello\x88\x80abcd"))
	f.Add(uint8(1), uint16(3), []byte("\x81\x85\x00\x00\x00\x00hello\x88\x80abcd"))
	f.Add(uint8(2), uint16(3), []byte("\x81\x05hello\x01\x02\xe2\x82\x89\x01a\x80\x01\xac\x88\x03\x03\xe8a"))
	f.Fuzz(func(t *testing.T, kind uint8, size uint16, in []byte) {
		if len(in) > 1<<14 || size == 0 || bytes.Contains(in, []byte("secret")) || bytes.Contains(in, []byte("sesame")) && kind%3 != 0 {
			return
		}
		checkRedacted(t, kind%3 != 0, core.Role(kind%3/2), bytes.ReplaceAll(in, []byte("sesame"), []byte("ses@me")), int(size))
	})
}
