package main

import (
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/bench/peers"
)

// costsOf is a result in which these peers took so many microseconds, in rounds.
func costsOf(title string, us map[string][]int) *result {
	r := &result{title: title, per: "a message"}
	for _, peer := range peers.All() {
		if rounds, ok := us[peer.Name]; ok {
			c := &cost{peer: peer.Name}
			for _, n := range rounds {
				c.samples = append(c.samples, sample{cpu: time.Duration(n) * time.Microsecond, objects: 2, bytes: 33})
			}
			r.costs = append(r.costs, c)
		}
	}
	return r
}

func TestResults(t *testing.T) {
	r := costsOf("16 B", map[string][]int{"websockets": {9, 6, 1000}, "gws": {10, 12, 11}, "rawtcp": {12, 11, 13}, "gorilla": {4000, 4000, 4000}})
	var b strings.Builder
	if err := r.table().print(&b, true); err != nil {
		t.Fatal(err)
	}
	want := `
16 B

| server | CPU us a message | of rawtcp | allocations | bytes allocated |
| --- | --- | --- | --- | --- |
| websockets | 9.00 | 0.75 | 2.0 | 33 |
| gws | 11.0 | 0.92 | 2.0 | 33 |
| rawtcp | 12.0 | 1.00 | 2.0 | 33 |
| gorilla | 4000 | 333 | 2.0 | 33 |
`
	if b.String() != want {
		t.Errorf("%s\nwant%s", b.String(), want)
	}
	if got := r.cell("gws") + " " + r.cell("coder"); got != "11.0 (0.92) -" {
		t.Error(got)
	}
	if got := costsOf("", map[string][]int{"gws": {1}}).ratio("gws"); got != "-" {
		t.Errorf("without a base: %s", got)
	}
}

func TestSummary(t *testing.T) {
	p, err := parse([]string{"-peers", "gws,websockets-5,rawtcp"})
	if err != nil {
		t.Fatal(err)
	}
	p.results = []*result{
		costsOf("16 B", map[string][]int{"gws": {11}, "rawtcp": {10}}),
		costsOf("1 KiB", map[string][]int{"gws": {9}, "rawtcp": {10}}),
	}
	var b strings.Builder
	if err := p.summary().markdown(&b); err != nil {
		t.Fatal(err)
	}
	want := "| scenario | gws | rawtcp |\n| --- | --- | --- |\n| 16 B | 1.10 | 1.00 |\n| 1 KiB | 0.90 | 1.00 |\n"
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("%s\nwant%s", b.String(), want)
	}
}
