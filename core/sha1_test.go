package core

import (
	stdsha1 "crypto/sha1"
	"fmt"
	"strings"
	"testing"
)

func sha1Hex(s string) string {
	h := newSHA1()
	h.write(s)
	return fmt.Sprintf("%x", h.sum())
}

// The vectors of RFC 3174 section 7.3 and FIPS 180.
func TestSHA1Vectors(t *testing.T) {
	for _, tt := range []struct{ msg, want string }{
		{"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
		{strings.Repeat("a", 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
		{strings.Repeat("01234567", 80), "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
	} {
		if got := sha1Hex(tt.msg); got != tt.want {
			t.Errorf("sha1 of %.20q (%d bytes) = %s, want %s", tt.msg, len(tt.msg), got, tt.want)
		}
	}
}

// Every length around the block's edges, where the padding changes its form.
func TestSHA1AgreesWithTheStandardLibrary(t *testing.T) {
	msg := make([]byte, 300)
	for i := range msg {
		msg[i] = byte(i * 7)
	}
	for n := range msg {
		want := fmt.Sprintf("%x", stdsha1.Sum(msg[:n]))
		if got := sha1Hex(string(msg[:n])); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
}

func TestSHA1InPieces(t *testing.T) {
	msg := strings.Repeat("0123456789", 20)
	want := sha1Hex(msg)
	for cut := range msg {
		h := newSHA1()
		h.write(msg[:cut])
		h.write(msg[cut:])
		if got := fmt.Sprintf("%x", h.sum()); got != want {
			t.Fatalf("cut at %d: %s, want %s", cut, got, want)
		}
	}
}
