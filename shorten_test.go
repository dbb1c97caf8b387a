package websockets

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	for _, test := range []struct {
		head string
		most int
	}{
		{"", 0},
		{"GET /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key + "\r\n", 54},
		{"GET /echo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n" +
			"Upgrade: websocket\r\nOrigin: http://example.com\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n" +
			key + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n", 85},
		{"GET / HTTP/1.1\r\nX: caf\xc3\xa9 \xff\x80\r\nuser-agent: GET /\r\nUser-Agent: GET / Safari/537.36\r\n", 80},
		{strings.Repeat("Cookie: GET /\r\n", 100) + " ", 1000},
		{"GET / HTTP/1.1\r\nX: " + strings.Repeat("\x80", 1000), 1021},
		{"\xfe\xff", 3},
	} {
		short := shorten(test.head)
		if got := lengthen(short); got != test.head {
			t.Errorf("%q has become %q", test.head, got)
		}
		if len(short) > test.most {
			t.Errorf("%q in %d bytes, want at most %d", short, len(short), test.most)
		}
	}
}

// Of two phrases that a head may begin with the longer one is found first, and each has a
// byte.
func TestPhrases(t *testing.T) {
	if len(phrases) > verbatim-firstPhrase {
		t.Fatal("too many phrases")
	}
	for i, p := range phrases {
		if got := shorten(p); got != string([]byte{firstPhrase + byte(i)}) {
			t.Errorf("%q has become %q", p, got)
		}
	}
}

func FuzzShorten(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: a\r\n\xff\x80\r\n")
	f.Fuzz(func(t *testing.T, head string) {
		if got := lengthen(shorten(head)); got != head {
			t.Errorf("%q has become %q", head, got)
		}
	})
}

func BenchmarkShorten(b *testing.B) {
	head := strings.Join(phrases[:16], "value\r\n")
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		shorten(head)
	}
}
