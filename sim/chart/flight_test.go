package chart

import (
	"slices"
	"testing"
)

func TestReceived(t *testing.T) {
	c := &Chart{Lanes: make([]Lane, 3), Steps: []Step{
		{At: 1, Lane: 1, Kind: Receive},                     // before anything was sent
		{At: 1, Lane: 0, Kind: Send, To: 1, Arrival: 5},     // 4
		{At: 1, Lane: 0, Kind: Send, To: 1, Arrival: 1},     // none is left at 1
		{At: 2, Lane: 0, Kind: Send, To: 1, Arrival: Lost},  // none
		{At: 5, Lane: 1, Kind: Receive},                     //
		{At: 5, Lane: 1, Kind: Receive},                     // not the first
		{At: 5, Lane: 1, Kind: Send, To: 0, Arrival: 6},     // 8, not 7
		{At: 6, Lane: 2, Kind: Receive},                     // on another lane
		{At: 6, Lane: 0, Kind: Receive},                     //
		{At: 6, Lane: 1, Kind: Send, To: 0, Arrival: 1_000}, // after the end
		{At: 7, Lane: 1, Kind: Send, To: 2, Arrival: 8},     // 12, not the note before
		{At: 8, Lane: 2, Kind: Note},                        //
		{At: 8, Lane: 2, Kind: Event},                       //
		{At: 8, Lane: 1, Kind: Send, To: 2, Arrival: 8},     // 14, not the event before
		{At: 8, Lane: 2, Kind: Event},                       //
		{At: 8, Lane: 2, Kind: Receive},                     //
	}}
	want := []int{-1, 4, -1, -1, -1, -1, 8, -1, -1, -1, 12, -1, -1, 14, -1, -1}
	if got := c.received(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
