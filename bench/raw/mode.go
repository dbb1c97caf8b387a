package raw

import (
	"fmt"
	"strings"
)

// A Mode is how a connection compresses.
type Mode struct {
	Name     string
	Takeover bool
	Bits     int // of the windows of both sides, 0 if nothing is compressed
}

// Modes are those that are measured: without compression, each message by itself, and
// with context takeover and a small or a full window.
var Modes = []Mode{
	{"off", false, 0},
	{"nct", false, 15},
	{"ct12", true, 12},
	{"ct15", true, 15},
}

// ModeOf returns the Mode with this name.
func ModeOf(name string) (Mode, error) {
	var names []string
	for _, m := range Modes {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Mode{}, fmt.Errorf("no mode %q; there are %s", name, strings.Join(names, ", "))
}

// Compresses reports whether there is compression at all.
func (m Mode) Compresses() bool { return m.Bits > 0 }

// Offer is what a client offers for m.
func (m Mode) Offer() string {
	if !m.Compresses() {
		return ""
	}
	offer := "permessage-deflate"
	if !m.Takeover {
		return offer + "; server_no_context_takeover; client_no_context_takeover"
	}
	if m.Bits < 15 {
		return fmt.Sprintf("%s; server_max_window_bits=%d; client_max_window_bits=%[2]d", offer, m.Bits)
	}
	return offer
}

// Check checks that a server that answers Offer with agreed does what m says.
func (m Mode) Check(agreed string) error {
	if !m.Compresses() {
		if agreed != "" {
			return fmt.Errorf("%s: the server answers %q to no offer", m.Name, agreed)
		}
		return nil
	}
	if !strings.HasPrefix(agreed, "permessage-deflate") {
		return fmt.Errorf("%s: the server does not compress: it answers %q to %q", m.Name, agreed, m.Offer())
	}
	if m.Takeover == strings.Contains(agreed, "no_context_takeover") {
		return fmt.Errorf("%s: the server answers %q to %q", m.Name, agreed, m.Offer())
	}
	if m.Bits < 15 && !strings.Contains(agreed, fmt.Sprintf("server_max_window_bits=%d", m.Bits)) {
		return fmt.Errorf("%s: the server does not limit its window: it answers %q to %q", m.Name, agreed, m.Offer())
	}
	return nil
}

// String says what m is.
func (m Mode) String() string {
	if !m.Compresses() {
		return "without compression"
	}
	if !m.Takeover {
		return "without context takeover"
	}
	return fmt.Sprintf("context takeover, windows of %d bits", m.Bits)
}
