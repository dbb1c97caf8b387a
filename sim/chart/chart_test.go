package chart

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	lanes := []Lane{{Name: "ann"}, {Name: "room"}}
	for _, test := range []struct {
		name  string
		steps []Step
		want  string // a part of the error, "" for none
	}{
		{"no steps", nil, ""},
		{"all that is allowed", []Step{
			{Lane: World, Kind: Fault, Text: "clogged", Until: 5},
			{At: 1, Lane: 0, Kind: Send, To: 1, Arrival: 1},
			{At: 1, Lane: 1, Kind: Send, To: 0, Arrival: Lost},
			{At: 2, Lane: 1, Kind: Violation},
		}, ""},
		{"lane too high", []Step{{}, {Lane: 2}}, "step 1: lane 2 does not exist"},
		{"lane too low", []Step{{Lane: -2}}, "step 0: lane -2 does not exist"},
		{"time runs backwards", []Step{{At: 2}, {At: 1}}, "step 1: it happened at 1ns"},
		{"before the run", []Step{{At: -1}}, "step 0: it happened at -1ns"},
		{"kind", []Step{{Kind: Violation + 1}}, "no kind 9"},
		{"fault over before it began", []Step{{At: 2, Kind: Fault, Until: 1}}, "over before"},
		{"send from the world", []Step{{Lane: World, Kind: Send}}, "only a lane sends"},
		{"send to nobody", []Step{{Kind: Send, To: 2}}, "sends to lane 2"},
		{"send to the world", []Step{{Kind: Send, To: World}}, "sends to lane -1"},
		{"send to itself", []Step{{Lane: 1, Kind: Send, To: 1}}, "lane 1 sends to itself"},
		{"arrival before departure", []Step{{At: 2, Kind: Send, To: 1, Arrival: 1}}, "use Lost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := (&Chart{Lanes: lanes, Steps: test.steps}).Check()
			if test.want == "" && err != nil {
				t.Fatal(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Fatalf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestKindString(t *testing.T) {
	if got := Expiry.String(); got != "timer" {
		t.Errorf("Expiry is %q", got)
	}
	if got := Kind(200).String(); got != "Kind(200)" {
		t.Errorf("an unknown kind is %q", got)
	}
}
