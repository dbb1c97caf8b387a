package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// base is the peer that ratios are to.
const base = "rawtcp"

// A cost is what a server took in each round.
type cost struct {
	peer    string
	samples []sample
}

// A result is what one load cost the servers.
type result struct {
	title string
	per   string // what the cost is of: a message, a connection
	costs []*cost
}

func newResult(title, per string, servers []*server) *result {
	r := &result{title: title, per: per}
	for _, s := range servers {
		r.costs = append(r.costs, &cost{peer: s.peer.Name})
	}
	return r
}

// add adds a round that went well.
func (c *cost) add(s sample, err error) error {
	if err == nil {
		c.samples = append(c.samples, s)
	}
	return err
}

func (c *cost) cpu() time.Duration {
	return median(c.samples, func(s sample) time.Duration { return s.cpu })
}

// of returns the cost of a peer, nil if it was not measured.
func (r *result) of(peer string) *cost {
	for _, c := range r.costs {
		if c.peer == peer {
			return c
		}
	}
	return nil
}

// ratio returns what a peer cost in relation to the base; "-" without one of them.
func (r *result) ratio(peer string) string {
	c, b := r.of(peer), r.of(base)
	if c == nil || b == nil || b.cpu() <= 0 {
		return "-"
	}
	return significant(float64(c.cpu()) / float64(b.cpu()))
}

// cell is both, for tables in which a server has a line.
func (r *result) cell(peer string) string {
	c := r.of(peer)
	if c == nil {
		return "-"
	}
	return fmt.Sprintf("%s (%s)", significant(float64(c.cpu())/1e3), r.ratio(peer))
}

// table has the cheapest first.
func (r *result) table() *table {
	t := &table{title: r.title, header: []string{"server", "CPU us " + r.per, "of " + base, "allocations", "bytes allocated"}}
	for _, c := range slices.SortedFunc(slices.Values(r.costs), func(a, b *cost) int { return cmp.Compare(a.cpu(), b.cpu()) }) {
		t.add(c.peer, significant(float64(c.cpu())/1e3), r.ratio(c.peer),
			fmt.Sprintf("%.1f", median(c.samples, func(s sample) float64 { return s.objects })),
			fmt.Sprintf("%.0f", median(c.samples, func(s sample) float64 { return s.bytes })))
	}
	return t
}

// summary has a line for each result, and a column for each peer.
func (p *plan) summary() *table {
	t := &table{title: "All in relation to " + base, header: []string{"scenario"}}
	for _, peer := range p.peers {
		if peer.Has(uncompressed) {
			t.header = append(t.header, peer.Name)
		}
	}
	for _, r := range p.results {
		row := []any{r.title}
		for _, name := range t.header[1:] {
			row = append(row, r.ratio(name))
		}
		t.add(row...)
	}
	return t
}

// significant prints three digits, or more before the point.
func significant(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
