package main

import (
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	table := &table{title: "who", header: []string{"peer", "us"}}
	table.add("gws", 27.5)
	for markdown, want := range map[bool]string{
		false: "\nwho\n\npeer  us\ngws   27.5\n",
		true:  "\nwho\n\n| peer | us |\n| --- | --- |\n| gws | 27.5 |\n",
	} {
		var b strings.Builder
		if err := table.print(&b, markdown); err != nil || b.String() != want {
			t.Errorf("markdown %t: %q, %v; want %q", markdown, b.String(), err, want)
		}
	}
}
