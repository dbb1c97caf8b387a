package frame

import (
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/internal/digest"
)

// https://www.rfc-editor.org/rfc/rfc6455#section-7.4
func TestCloseCodeSendable(t *testing.T) {
	for _, span := range []struct {
		first, last CloseCode
		sendable    bool
	}{
		{0, 999, false},
		{1000, 1003, true},
		{1004, 1006, false},
		{1007, 1014, true},
		{1015, 2999, false},
		{3000, 4999, true},
		{5000, 65534, false},
		{65535, 65535, false},
	} {
		for c := int(span.first); c <= int(span.last); c++ {
			if got := CloseCode(c).Sendable(); got != span.sendable {
				t.Errorf("%d: Sendable() = %v", c, got)
			}
		}
	}
}

func TestCloseCodeString(t *testing.T) {
	for c, want := range map[CloseCode]string{
		0: "0", 7: "7", 999: "999", 1004: "1004", 1016: "1016", 3000: "3000", 4999: "4999", 65535: "65535",
		NormalClosure:      "1000 normal closure",
		GoingAway:          "1001 going away",
		ProtocolError:      "1002 protocol error",
		UnsupportedData:    "1003 unsupported data",
		NoStatus:           "1005 no status received",
		Abnormal:           "1006 abnormal closure",
		InvalidData:        "1007 invalid payload data",
		PolicyViolation:    "1008 policy violation",
		MessageTooBig:      "1009 message too big",
		MandatoryExtension: "1010 mandatory extension",
		InternalError:      "1011 internal error",
		ServiceRestart:     "1012 service restart",
		TryAgainLater:      "1013 try again later",
		BadGateway:         "1014 bad gateway",
		TLSHandshake:       "1015 TLS handshake",
	} {
		if got := c.String(); got != want {
			t.Errorf("%d: String() = %q, want %q", uint16(c), got, want)
		}
	}
}

// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
func TestParseClose(t *testing.T) {
	for _, test := range []struct {
		name    string
		payload string
		code    CloseCode
		reason  string
		err     error
	}{
		{"empty", "", NoStatus, "", nil},
		{"half a code", "\x03", 0, "", ErrCloseLength},
		{"code alone", "\x03\xe8", NormalClosure, "", nil},
		{"code and reason", "\x03\xe9bye", GoingAway, "bye", nil},
		{"reason of several bytes a character", "\x03\xe8\xce\xba\xf0\x9f\x98\x80", NormalClosure, "κ😀", nil},
		{"longest reason", "\x03\xe8" + strings.Repeat("x", MaxReason), NormalClosure, strings.Repeat("x", MaxReason), nil},
		{"private code", "\x0f\xa0", 4000, "", nil},
		{"code 0", "\x00\x00", 0, "", ErrCloseCode},
		{"code 999", "\x03\xe7", 999, "", ErrCloseCode},
		{"code 1004", "\x03\xec", 1004, "", ErrCloseCode},
		{"code 1005 on the wire", "\x03\xed", NoStatus, "", ErrCloseCode},
		{"code 1006 on the wire", "\x03\xee", Abnormal, "", ErrCloseCode},
		{"code 1014", "\x03\xf6", BadGateway, "", nil},
		{"code 1015 on the wire", "\x03\xf7", TLSHandshake, "", ErrCloseCode},
		{"code 1016", "\x03\xf8", 1016, "", ErrCloseCode},
		{"code 2999", "\x0b\xb7", 2999, "", ErrCloseCode},
		{"code 5000", "\x13\x88", 5000, "", ErrCloseCode},
		{"code 65535", "\xff\xff", 65535, "", ErrCloseCode},
		{"bad code before bad reason", "\x00\x00\xff", 0, "", ErrCloseCode},
		{"reason not UTF-8", "\x03\xe8ab\xffcd", NormalClosure, "", ErrCloseReason},
		{"reason with a surrogate", "\x03\xe8\xed\xa0\x80", NormalClosure, "", ErrCloseReason},
		{"reason cut in a character", "\x03\xe8ab\xe2\x82", NormalClosure, "", ErrCloseReason},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, reason, err := ParseClose([]byte(test.payload))
			if code != test.code || string(reason) != test.reason || err != test.err {
				t.Errorf("ParseClose(%q) = %v, %q, %v; want %v, %q, %v",
					test.payload, code, reason, err, test.code, test.reason, test.err)
			}
		})
	}
}

func TestAppendClosePayload(t *testing.T) {
	for _, test := range []struct {
		name   string
		code   CloseCode
		reason string
		want   string
		err    error
	}{
		{"no status", NoStatus, "", "", nil},
		{"no status with a reason", NoStatus, "bye", "", ErrCloseCode},
		{"code alone", NormalClosure, "", "\x03\xe8", nil},
		{"code and reason", MessageTooBig, "big", "\x03\xf1big", nil},
		{"private code", 4999, "κ", "\x13\x87\xce\xba", nil},
		{"abnormal", Abnormal, "", "", ErrCloseCode},
		{"TLS handshake", TLSHandshake, "", "", ErrCloseCode},
		{"code 0", 0, "", "", ErrCloseCode},
		{"longest reason", NormalClosure, strings.Repeat("x", MaxReason), "\x03\xe8" + strings.Repeat("x", MaxReason), nil},
		{"reason too long", NormalClosure, strings.Repeat("x", MaxReason+1), "", ErrReasonTooLong},
		{"reason not UTF-8", NormalClosure, "a\x80", "", ErrCloseReason},
		{"reason cut in a character", NormalClosure, "a\xe2\x82", "", ErrCloseReason},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := AppendClosePayload([]byte("before"), test.code, test.reason)
			if string(got) != "before"+test.want || err != test.err {
				t.Errorf("got %q, %v; want %q, %v", got, err, "before"+test.want, test.err)
			}
		})
	}
}

func TestCloseAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, MaxControlPayload)
	payload := []byte("\x03\xe8bye")
	allocs := testing.AllocsPerRun(100, func() {
		dst, _ = AppendClosePayload(dst[:0], GoingAway, "bye")
		ParseClose(payload)
		ParseClose(payload[:1])
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func FuzzClose(f *testing.F) {
	seen := digest.Of(f)
	f.Add([]byte{})
	f.Add([]byte("\x03"))
	f.Add([]byte("\x03\xe8bye"))
	f.Add([]byte("\x03\xe8\xff"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		code, reason, err := ParseClose(payload)
		seen.Add(code, reason, err)
		if err != nil || len(reason) > MaxReason {
			return
		}
		again, err := AppendClosePayload(nil, code, string(reason))
		if err != nil || string(again) != string(payload) {
			t.Fatalf("%q came back as %q, %v", payload, again, err)
		}
	})
}
