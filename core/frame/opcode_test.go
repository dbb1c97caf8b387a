package frame

import "testing"

// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
func TestOpcode(t *testing.T) {
	for _, test := range []struct {
		opcode               Opcode
		control, data, valid bool
		text                 string
	}{
		{0x0, false, false, true, "continuation"},
		{0x1, false, true, true, "text"},
		{0x2, false, true, true, "binary"},
		{0x3, false, false, false, "reserved opcode 0x3"},
		{0x4, false, false, false, "reserved opcode 0x4"},
		{0x5, false, false, false, "reserved opcode 0x5"},
		{0x6, false, false, false, "reserved opcode 0x6"},
		{0x7, false, false, false, "reserved opcode 0x7"},
		{0x8, true, false, true, "close"},
		{0x9, true, false, true, "ping"},
		{0xA, true, false, true, "pong"},
		{0xB, true, false, false, "reserved opcode 0xB"},
		{0xC, true, false, false, "reserved opcode 0xC"},
		{0xD, true, false, false, "reserved opcode 0xD"},
		{0xE, true, false, false, "reserved opcode 0xE"},
		{0xF, true, false, false, "reserved opcode 0xF"},
		{0x10, false, false, false, "invalid opcode 0x10"},
		{0xFE, true, false, false, "invalid opcode 0xFE"},
	} {
		o := test.opcode
		if got := o.IsControl(); got != test.control {
			t.Errorf("%#x: IsControl() = %v", uint8(o), got)
		}
		if got := o.IsData(); got != test.data {
			t.Errorf("%#x: IsData() = %v", uint8(o), got)
		}
		if got := o.Valid(); got != test.valid {
			t.Errorf("%#x: Valid() = %v", uint8(o), got)
		}
		if got := o.String(); got != test.text {
			t.Errorf("%#x: String() = %q, want %q", uint8(o), got, test.text)
		}
	}
}
