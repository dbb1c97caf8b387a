package deflate

import (
	"strings"
	"testing"
)

// params understands what is behind the name of an extension, without quotes.
func params(extension string) func(yield func(Param) bool) {
	return func(yield func(Param) bool) {
		for _, s := range strings.Split(extension, ";")[1:] {
			name, value, has := strings.Cut(strings.TrimSpace(s), "=")
			if !yield(Param{name, value, has}) {
				return
			}
		}
	}
}

// whole is a policy that limits nothing, usual the one that is the default.
var (
	whole = Params{15, 15, true, true}
	usual = Params{12, 12, true, true}
)

func TestAnswer(t *testing.T) {
	const name = "permessage-deflate"
	for _, test := range []struct {
		name   string
		policy Params
		offer  string
		answer string // behind the name; "-" if the offer is declined
		agreed Params
	}{
		// RFC 7692 section 7.1.3 has most of these.
		{"nothing", whole, "", "", whole},
		{"nothing, to a server with less room", usual, "", "; client_no_context_takeover; server_max_window_bits=12", Params{12, 15, true, false}},
		{"what browsers offer", usual, "; client_max_window_bits", "; server_max_window_bits=12; client_max_window_bits=12", usual},
		{"what browsers offer", whole, "; client_max_window_bits", "", whole},
		{"limits of the client", whole, "; client_max_window_bits=10; server_max_window_bits=9", "; server_max_window_bits=9; client_max_window_bits=10", Params{9, 10, true, true}},
		{"the largest ones", whole, "; client_max_window_bits=15; server_max_window_bits=15", "; server_max_window_bits=15; client_max_window_bits=15", whole},
		{"the least ones", whole, "; client_max_window_bits=8; server_max_window_bits=8", "; server_max_window_bits=8; client_max_window_bits=8", Params{8, 8, true, true}},
		{"no takeover", whole, "; server_no_context_takeover; client_no_context_takeover", "; server_no_context_takeover; client_no_context_takeover", Params{15, 15, false, false}},
		{"no takeover of the server", Params{15, 15, false, true}, "", "; server_no_context_takeover", Params{15, 15, false, true}},
		{"no takeover of the client", Params{15, 15, true, false}, "", "; client_no_context_takeover", Params{15, 15, true, false}},

		{"an unknown parameter", whole, "; x", "-", Params{}},
		{"one without its value", whole, "; server_max_window_bits", "-", Params{}},
		{"one with a value", whole, "; server_no_context_takeover=1", "-", Params{}},
		{"another one with a value", whole, "; client_no_context_takeover=true", "-", Params{}},
		{"twice", whole, "; server_no_context_takeover; server_no_context_takeover", "-", Params{}},
		{"twice, without a value", whole, "; client_max_window_bits; client_max_window_bits", "-", Params{}},
		{"twice, with a value", whole, "; client_max_window_bits; client_max_window_bits=9", "-", Params{}},
		{"twice, with a value first", whole, "; client_max_window_bits=9; client_max_window_bits", "-", Params{}},
		{"7", whole, "; server_max_window_bits=7", "-", Params{}},
		{"16", whole, "; server_max_window_bits=16", "-", Params{}},
		{"a leading zero", whole, "; server_max_window_bits=08", "-", Params{}},
		{"a sign", whole, "; client_max_window_bits=+9", "-", Params{}},
		{"an empty value", whole, "; client_max_window_bits=", "-", Params{}},
	} {
		got, agreed, ok := test.policy.Answer(nil, params(name+test.offer))
		switch {
		case test.answer == "-" && (ok || len(got) > 0):
			t.Errorf("%s: answered %q", test.name, got)
		case test.answer != "-" && (!ok || string(got) != name+test.answer || agreed != test.agreed):
			t.Errorf("%s: %q, %+v, %t; want %q, %+v", test.name, got, agreed, ok, name+test.answer, test.agreed)
		}
	}
}

func TestOffersAndTheirAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Params
		offers string
		answer string
		agreed Params
		ok     bool
	}{
		{"everything", whole, "permessage-deflate; client_max_window_bits", "", whole, true},
		{"everything", whole, "permessage-deflate; client_max_window_bits", "; client_max_window_bits=8", Params{8, 15, true, true}, true},
		{"everything", whole, "permessage-deflate; client_max_window_bits", "; server_max_window_bits=10", Params{15, 10, true, true}, true},
		{"everything", whole, "permessage-deflate; client_max_window_bits", "; server_no_context_takeover; client_no_context_takeover", Params{15, 15, false, false}, true},
		{"the default", usual,
			"permessage-deflate; server_max_window_bits=12; client_max_window_bits=12, permessage-deflate; server_no_context_takeover; client_max_window_bits=12, permessage-deflate; server_no_context_takeover; client_max_window_bits",
			"; server_max_window_bits=12; client_max_window_bits=12", usual, true},
		{"the first, by a server with less", usual, "", "; server_max_window_bits=9; client_max_window_bits=9", Params{9, 9, true, true}, true},
		{"the first, by a server that leaves the client's alone", usual, "", "; server_max_window_bits=12", usual, true},
		{"the second", usual, "", "; server_no_context_takeover", Params{12, 15, true, false}, true},
		{"the second, with more", usual, "", "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=10", Params{10, 15, false, false}, true},
		{"the last, with a window that is larger than ours", usual, "", "; server_no_context_takeover; client_max_window_bits=15", Params{12, 15, true, false}, true},
		{"the last, where the server's window is not limited", Params{9, 15, true, true}, "permessage-deflate; client_max_window_bits=9, permessage-deflate; client_max_window_bits", "; client_max_window_bits=10", Params{9, 15, true, true}, true},
		{"neither", usual, "", "", Params{}, false},
		{"a window that is too large", usual, "", "; server_max_window_bits=13", Params{}, false},
		{"a window of ours that we did not offer", usual, "", "; server_max_window_bits=12; client_max_window_bits=13", Params{}, false},
		{"takeover that we did not want", Params{15, 15, true, false}, "permessage-deflate; server_no_context_takeover; client_max_window_bits", "", Params{}, false},
		{"a window without a value", whole, "", "; client_max_window_bits", Params{}, false},
		{"a parameter that is unknown", whole, "", "; x=1", Params{}, false},
		{"one twice", whole, "", "; server_max_window_bits=9; server_max_window_bits=9", Params{}, false},
	} {
		if got := string(test.policy.AppendOffers(nil)); test.offers != "" && got != test.offers {
			t.Errorf("%s: offers %q; want %q", test.name, got, test.offers)
		}
		agreed, ok := test.policy.Check(params("permessage-deflate" + test.answer))
		if agreed != test.agreed || ok != test.ok {
			t.Errorf("%s, answered %q: %+v, %t; want %+v, %t", test.name, test.answer, agreed, ok, test.agreed, test.ok)
		}
	}
}

// Whatever the policies of the two sides are, the first offer is answered, and they
// agree.
func TestTwoSidesAgree(t *testing.T) {
	var policies []Params
	for send := uint8(MinWindowBits); send <= MaxWindowBits; send++ {
		for receive := uint8(MinWindowBits); receive <= MaxWindowBits; receive++ {
			for i := range 4 {
				policies = append(policies, Params{send, receive, i&1 == 0, i&2 == 0})
			}
		}
	}
	for _, client := range policies {
		first, _, _ := strings.Cut(string(client.AppendOffers(nil)), ", ")
		for _, server := range policies {
			answer, theirs, ok := server.Answer(nil, params(first))
			if !ok {
				t.Fatalf("%+v declines %q", server, first)
			}
			ours, ok := client.Check(params(string(answer)))
			if !ok || ours.SendBits != theirs.ReceiveBits || ours.ReceiveBits != theirs.SendBits ||
				ours.SendTakeover != theirs.ReceiveTakeover || ours.ReceiveTakeover != theirs.SendTakeover {
				t.Fatalf("%q is answered %q: the client has %+v, %t, the server %+v", first, answer, ours, ok, theirs)
			}
			if theirs.ReceiveTakeover && theirs.ReceiveBits > server.ReceiveBits || ours.ReceiveTakeover && ours.ReceiveBits > client.ReceiveBits {
				t.Fatalf("%q is answered %q, which takes more room than %+v and %+v have", first, answer, client, server)
			}
		}
	}
}
