package raw

import "testing"

func TestModesCheckWhatWasAgreed(t *testing.T) {
	const z, nct = "permessage-deflate", "; server_no_context_takeover; client_no_context_takeover"
	for _, test := range []struct {
		mode, agreed string
		good         bool
	}{
		{"off", "", true},
		{"off", z, false},
		{"nct", z + nct, true},
		{"nct", z, false},
		{"nct", "", false},
		{"ct15", z, true},
		{"ct15", z + nct, false},
		{"ct12", z + "; server_max_window_bits=12; client_max_window_bits=12", true},
		{"ct12", z, false},
	} {
		m, err := ModeOf(test.mode)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(test.agreed); (err == nil) != test.good {
			t.Errorf("%s, %q: %v", test.mode, test.agreed, err)
		}
	}
	if _, err := ModeOf("ct"); err == nil {
		t.Error("a mode that there is not")
	}
}
