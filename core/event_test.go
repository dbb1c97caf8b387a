package core

import "testing"

func TestNames(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{EventNone.String(), "none"},
		{EventRequest.String(), "request"},
		{EventFailed.String(), "failed"},
		{EventKind(99).String(), "unknown"},
		{TimerNone.String(), "no"},
		{TimerPing.String(), "ping"},
		{TimerClose.String(), "close"},
		{Timer(99).String(), "unknown"},
		{TransportOpen.String(), "open"},
		{TransportHalfClose.String(), "half-close"},
		{TransportAbort.String(), "abort"},
		{Transport(99).String(), "unknown"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
