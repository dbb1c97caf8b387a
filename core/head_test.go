package core

import (
	"strings"
	"testing"
)

// feedChunks feeds in, n bytes at a time, until the head is done or refused.
func feedChunks(h *head, in string, n, maxBytes, maxLines int) (taken int, done bool, err Error) {
	for taken < len(in) && !done && err == 0 {
		var k int
		k, done, err = h.feed([]byte(in[taken:min(taken+n, len(in))]), maxBytes, maxLines)
		taken += k
	}
	return taken, done, err
}

func TestHeadEndsAtTheEmptyLine(t *testing.T) {
	const frame = "\x81\x85\x00\x00\x00\x00hello\r\n\r\n"
	for _, tt := range []struct{ name, head, rest string }{
		{"request line only", "GET / HTTP/1.1\r\n\r\n", ""},
		{"fields", "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n", ""},
		{"frames that arrive with the head", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", frame},
		{"RFC 9112 section 2.2: an empty line before", "\r\nGET / HTTP/1.1\r\n\r\n", frame},
		{"two empty lines before", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", frame},
		{"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", frame},
		{"a TLS ClientHello", "\x16", "\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		{"NUL", "GET /\x00", " HTTP/1.1\r\n\r\n"},
		{"ESC in a value", "GET / HTTP/1.1\r\nA: b\tc\x1b", "\r\n\r\n"},
		{"a CR alone is no empty line", "GET / HTTP/1.1\r\n\r\r\n\r\n", ""},
		{"a space is no empty line", "GET / HTTP/1.1\r\n \r\n\r\n", ""},
	} {
		for n := 1; n <= len(tt.head+tt.rest); n++ {
			var h head
			taken, done, err := feedChunks(&h, tt.head+tt.rest, n, 1000, 10)
			if taken != len(tt.head) || !done || err != 0 || string(h.bytes()) != tt.head {
				t.Errorf("%s, %d bytes at a time: took %d, done %v, %v, head %q", tt.name, n, taken, done, err, h.bytes())
			}
		}
	}
}

func TestHeadIncomplete(t *testing.T) {
	const in = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for n := range len(in) - 1 {
		var h head
		taken, done, err := h.feed([]byte(in[:n]), 1000, 10)
		if taken != n || done || err != 0 {
			t.Errorf("%d bytes: took %d, done %v, %v", n, taken, done, err)
		}
	}
}

func TestHeadLimitOfBytes(t *testing.T) {
	const in = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
	for n := 1; n <= len(in); n++ {
		var h head
		taken, done, err := feedChunks(&h, in, n, len(in), 10)
		if taken != len(in) || !done || err != 0 {
			t.Errorf("limit %d, %d at a time: took %d, done %v, %v", len(in), n, taken, done, err)
		}
		for limit := range len(in) {
			h = head{}
			taken, done, err = feedChunks(&h, in, n, limit, 10)
			if taken != limit || done || err != ErrHeadTooBig {
				t.Errorf("limit %d, %d at a time: took %d, done %v, %v", limit, n, taken, done, err)
			}
			if len(h.buf) > limit {
				t.Errorf("limit %d: %d bytes stored", limit, len(h.buf))
			}
		}
	}
}

func TestHeadLimitOfLines(t *testing.T) {
	in := "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 9) + "\r\n"
	for n := 1; n <= len(in); n++ {
		var h head
		if _, done, err := feedChunks(&h, in, n, 1000, 10); !done || err != 0 {
			t.Errorf("10 lines of 10, %d at a time: done %v, %v", n, done, err)
		}
		h = head{}
		taken, done, err := feedChunks(&h, in, n, 1000, 9)
		if done || err != ErrHeadTooBig {
			t.Errorf("10 lines of 9, %d at a time: done %v, %v", n, done, err)
		}
		if want := len(in) - 2; taken != want {
			t.Errorf("10 lines of 9, %d at a time: refused after %d bytes, want %d", n, taken, want)
		}
	}
}

func TestHeadCountsInterimResponses(t *testing.T) {
	const interim = "HTTP/1.1 103 Early Hints\r\n\r\n"
	var h head
	fed := 0
	for {
		n, done, err := h.feed([]byte(interim), 1000, 1000)
		fed += n
		if err != 0 {
			break
		}
		if !done || string(h.bytes()) != interim {
			t.Fatalf("done %v, head %q", done, h.bytes())
		}
		h.next()
		if len(h.bytes()) != 0 {
			t.Fatalf("after next: %q", h.bytes())
		}
	}
	if fed != 1000 {
		t.Errorf("%d bytes of interim responses were taken, want 1000", fed)
	}

	h = head{}
	for range 3 {
		if _, done, err := feedChunks(&h, interim, 1, 1000, 3); !done || err != 0 {
			t.Fatalf("done %v, %v", done, err)
		}
		h.next()
	}
	if _, _, err := h.feed([]byte(interim), 1000, 3); err != ErrHeadTooBig {
		t.Errorf("the fourth line of three: %v", err)
	}
}

func TestHeadCloneSharesNothing(t *testing.T) {
	var h head
	h.feed([]byte("GET / HT"), 1000, 10)
	c := h.clone()
	h.feed([]byte("XXXXXX"), 1000, 10)
	if _, done, err := c.feed([]byte("TP/1.1\r\n\r\n"), 1000, 10); !done || err != 0 || string(c.bytes()) != "GET / HTTP/1.1\r\n\r\n" {
		t.Errorf("done %v, %v, %q", done, err, c.bytes())
	}
}

// A long head that comes byte by byte must not be looked at again with every
// byte (CVE-2023-43669), nor copied again: what feed does with a byte may not
// depend on how many came before. Of that only memory can be counted.
func TestHeadGrowsGeometrically(t *testing.T) {
	const size = 1 << 18
	in := []byte(strings.Repeat("a", size))
	var h head
	grown := 0
	for i := range in {
		before := cap(h.buf)
		if _, _, err := h.feed(in[i:i+1], size+1, 10); err != 0 {
			t.Fatal(err)
		}
		if cap(h.buf) != before {
			grown++
		}
	}
	if grown > 100 {
		t.Errorf("the head was copied %d times for %d bytes", grown, size)
	}
	if cap(h.buf) > 2*size {
		t.Errorf("%d bytes are held for %d", cap(h.buf), size)
	}
}

// TestHeadLooksAtEachByteOnce overwrites what was fed: a second look would see
// line ends that were not there.
func TestHeadLooksAtEachByteOnce(t *testing.T) {
	const in = "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nD: e\r\n\r\n"
	var h head
	for i := range len(in) {
		_, done, err := h.feed([]byte(in[i:i+1]), 1000, 5)
		if err != 0 || done != (i == len(in)-1) {
			t.Fatalf("byte %d: done %v, %v", i, done, err)
		}
		for j := range len(h.buf) - 1 {
			h.buf[j] = '\n'
		}
	}
}
