package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A scenario is something to measure.
type scenario struct {
	name string
	run  func(p *plan, out io.Writer) error

	// takes is about how long it runs.
	takes func(p *plan) time.Duration

	// parts are what -only can choose from, nil if it measures one thing.
	parts func(p *plan) []string

	// alone has it left out of a run of all, unless that is short.
	alone bool
}

func scenarios() []*scenario {
	return []*scenario{
		{name: "pingpong", run: pingPong, takes: echoesTake(pingPongLoads), parts: names(pingPongLoads)},
		{name: "pipeline", run: pipeline, takes: echoesTake(pipelineLoads), parts: names(pipelineLoads)},
		{name: "connect", run: connect, takes: connectTakes},
		{name: "idle", run: idle, takes: idleTakes},
		{name: "growth", run: growth, takes: growthTakes, parts: titles},
		{name: "deflate", run: deflate, takes: deflateTakes},
		{name: "million", run: million, takes: millionTakes, alone: true},
	}
}

// chooseScenarios takes the names of scenarios, all if there are none.
func (p *plan) chooseScenarios(names []string) error {
	all := map[string]*scenario{}
	var known []string
	for _, s := range scenarios() {
		all[s.name] = s
		known = append(known, s.name)
		if names == nil && (!s.alone || p.short) {
			p.scenarios = append(p.scenarios, s)
		}
	}
	for _, name := range names {
		s, ok := all[name]
		if !ok {
			return fmt.Errorf("no scenario %q; there are %s", name, strings.Join(known, ", "))
		}
		p.scenarios = append(p.scenarios, s)
	}
	return nil
}

// checkOnly reports an error if -only leaves nothing of what it can choose from.
func (p *plan) checkOnly() error {
	if p.only.String() == "" {
		return nil
	}
	var parts []string
	for _, s := range p.scenarios {
		if s.parts != nil {
			parts = append(parts, s.parts(p)...)
		}
	}
	if slices.ContainsFunc(parts, p.only.MatchString) {
		return nil
	}
	return fmt.Errorf("-only %q matches nothing; there are:\n%s", p.only, strings.Join(parts, "\n"))
}

// run runs the scenarios that were asked for, and tells before how long they take.
func (p *plan) run(out io.Writer) error {
	began, expected := time.Now(), time.Duration(0)
	for _, s := range p.scenarios {
		expected += s.takes(p)
	}
	fmt.Fprintf(p.progress, "this takes about %v\n", expected.Round(time.Second))
	if p.short {
		fmt.Fprintln(out, "One short round, to see whether it works: the numbers mean nothing.")
	}
	for _, s := range p.scenarios {
		began := time.Now()
		fmt.Fprintf(p.progress, "%s, about %v\n", s.name, s.takes(p).Round(time.Second))
		if err := s.run(p, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(p.progress, "%s took %v\n", s.name, time.Since(began).Round(time.Second))
	}
	if len(p.results) > 0 {
		if err := p.summary().print(out, p.markdown); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.progress, "all of it took %v\n", time.Since(began).Round(time.Second))
	return nil
}

// turn is about how long one measurement of one server takes.
func (p *plan) turn() time.Duration { return p.time*5/4 + 50*time.Millisecond }

// turns have the servers take turns, in each round; who is first changes from round to
// round. A server that fails has a second try, and the failure is told, unless the run
// is short: then it is to find failures.
func (p *plan) turns(servers []*server, do func(i int) error) error {
	for round := range p.rounds {
		for i := range servers {
			turn := (round + i) % len(servers)
			err := do(turn)
			if err != nil && !p.short {
				fmt.Fprintf(p.progress, "once more, after: %v\n", err)
				err = do(turn)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// note tells what runs, and when called again how long it took.
func (p *plan) note(format string, args ...any) (done func()) {
	began := time.Now()
	fmt.Fprintf(p.progress, format+": ", args...)
	return func() { fmt.Fprintln(p.progress, time.Since(began).Round(100*time.Millisecond)) }
}
