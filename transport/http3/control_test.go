package http3

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/quicvarint"
)

func TestReadSettings(t *testing.T) {
	for _, test := range []struct {
		in       string
		extended bool
		err      string // a part of it
	}{
		{"\x04\x00", false, ""},
		{"\x04\x02\x08\x01", true, ""},
		{"\x04\x02\x08\x00", false, ""},
		{"\x04\x06\x33\x01\x08\x01\x06\x10", true, ""},
		{"\x40\x04\x40\x03\x40\x08\x01", true, ""}, // in more bytes than needed
		{"\x04\x02\x08\x40", false, "in the middle"},
		{"\x04\x02\x02\x00", false, "the setting 0x2, which is one of HTTP/2"},
		{"\x04\x02\x05\x00", false, "the setting 0x5, which is one of HTTP/2"},
		{"\x04\x03\x08\x40\x02", false, "with the value 2"},
		{"\x04\x04\x06\x01\x06\x01", false, "the setting 0x6 twice"},
		{"\x00\x00", false, "a frame of type 0x0 before its settings"},
		{"\x04\x80\x00\x20\x01", false, "8193 bytes of settings; 8192 are taken"},
		{"", false, io.EOF.Error()},
		{"\x04\x02\x08", false, io.ErrUnexpectedEOF.Error()},
	} {
		extended, err := readSettings(bytes.NewReader([]byte(test.in)))
		if extended != test.extended || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %t, %v; want %t, %q", test.in, extended, err, test.extended, test.err)
		}
	}
}

// Whatever a server sends on its control stream, it is read to its end or to what is
// wrong with it, and nothing is kept.
func FuzzControl(f *testing.F) {
	f.Add([]byte("\x00\x04\x02\x08\x01\x07\x01\x00"))
	f.Add([]byte("\x00\x04\x06\x33\x01\x08\x01\x06\x10\x21\x03abc\x04\x00"))
	f.Add([]byte("\x40\x00\x04\x00\xc0\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, p []byte) {
		c := &conn{settings: make(chan struct{})}
		v := c.readControl(quicvarint.NewReader(bytes.NewReader(p)))
		if v == nil || v.what == "" || v.code < 0x100 {
			t.Errorf("%q: %+v", p, v)
		}
	})
}
