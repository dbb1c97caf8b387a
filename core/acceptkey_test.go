package core

import (
	stdsha1 "crypto/sha1"
	"encoding/base64"
	"testing"
)

const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455 section 1.3
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func TestBase64AgreesWithTheStandardLibrary(t *testing.T) {
	src := make([]byte, 64)
	for i := range src {
		src[i] = byte(i*37 + 251)
	}
	for n := range src {
		want := "x" + base64.StdEncoding.EncodeToString(src[:n])
		if got := string(appendBase64([]byte("x"), src[:n])); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
}

func TestAcceptKey(t *testing.T) {
	if got := AcceptKey(sampleKey); got != sampleAccept {
		t.Errorf("RFC 6455 section 1.3: %q, want %q", got, sampleAccept)
	}
	for _, key := range []string{"", "x", "AQIDBAUGBwgJCgsMDQ4PEC==", string(make([]byte, 1000))} {
		sum := stdsha1.Sum([]byte(key + acceptGUID))
		if got, want := AcceptKey(key), base64.StdEncoding.EncodeToString(sum[:]); got != want {
			t.Errorf("key %.30q: %q, want %q", key, got, want)
		}
	}
}

func TestAppendAcceptKeyDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 28)
	if n := testing.AllocsPerRun(100, func() { buf = AppendAcceptKey(buf[:0], sampleKey) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// RFC 6455 section 4.1: the nonce of the example is the bytes 1 to 16.
func TestNewKey(t *testing.T) {
	draws := []uint32{0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10}
	got := newKey(func() uint32 {
		v := draws[0]
		draws = draws[1:]
		return v
	})
	if want := "AQIDBAUGBwgJCgsMDQ4PEA=="; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(draws) != 0 {
		t.Errorf("%d draws are left, want four to be used", len(draws))
	}
	if !isKey(got) {
		t.Error("our own key is not valid")
	}
}

func TestIsKey(t *testing.T) {
	for _, tt := range []struct {
		key, why string
		want     bool
	}{
		{sampleKey, "RFC 6455 section 1.3", true},
		{"AQIDBAUGBwgJCgsMDQ4PEC==", "RFC 6455 section 4.1, where spare bits are set", true},
		{"AQIDBAUGBwgJCgsMDQ4PEA==", "the same without", true},
		{"++++++++++++++++++//////", "18 bytes", false},
		{"//////////////////////==", "all bits set", true},
		{"", "empty", false},
		{"AQIDBAUGBwgJCgsMDQ4P", "15 bytes", false},
		{"AQIDBAUGBwgJCgsMDQ4PEBE=", "17 bytes", false},
		{"AQIDBAUGBwgJCgsMDQ4PEA=", "one padding character is missing", false},
		{"AQIDBAUGBwgJCgsMDQ4PEA", "no padding", false},
		{"AQIDBAUGBwgJCgsMDQ4PEA===", "one padding character too many", false},
		{"AQIDBAUGBwgJCgsMDQ4P=A==", "padding inside", false},
		{"AQIDBAUGBwgJCgsMDQ4P-A==", "URL alphabet", false},
		{"AQIDBAUGBwgJ CgsMDQ4PA==", "space inside", false},
		{"AQIDBAUGBwgJCgsMDQ4PEA==, AQIDBAUGBwgJCgsMDQ4PEA==", "two keys", false},
		{"dGhlIHNhbXBsZSBub25j\x00Q==", "NUL inside", false},
		{"dGhlIHNhbXBsZSBub25j\xc3\xa9==", "not ASCII", false},
	} {
		if got := isKey(tt.key); got != tt.want {
			t.Errorf("%s: isKey(%q) = %v", tt.why, tt.key, got)
		}
	}
}
