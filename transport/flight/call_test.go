package flight_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// What a file says gets no hold of the terminal that it is shown on.
func TestCallsInWordsAreText(t *testing.T) {
	const hostile = "\x1b[2J\r\n\x00\xff"
	for op := range flight.Op(30) {
		call := flight.Call{
			Op: op, Data: []byte(hostile), Opcode: 200, Code: frame.CloseCode(60000),
			Accept: core.AcceptOptions{Subprotocol: hostile, Header: []core.Field{{Name: hostile, Value: hostile}}},
			Reject: core.RejectOptions{Status: -1, Body: []byte(hostile)},
		}
		if s := call.String(); s == "" || strings.ContainsAny(s, "\x1b\r\n\x00") || !utf8.ValidString(s) {
			t.Errorf("%d: %q", op, s)
		}
	}
	for want, call := range map[string]flight.Call{
		"Accept":        {Op: flight.Accept},
		`Accept "chat"`: {Op: flight.Accept, Accept: core.AcceptOptions{Subprotocol: "chat"}},
	} {
		if got := call.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
