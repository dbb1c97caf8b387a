package main

import (
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	p, err := parse([]string{"-peers", "gws,websockets", "-modes", "ct12", "-payloads", "json-1k", "-short"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.peers) != 2 || p.peers[0].Name != "gws" || len(p.modes) != 1 || p.modes[0].Name != "ct12" || p.rounds != 1 || !p.wants("json-1k") || p.wants("json-150") {
		t.Errorf("%+v", p)
	}
	p, err = parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.peers) < 7 || p.peers[0].Name != "websockets" || len(p.modes) != 4 || len(p.scenarios) != len(scenarios())-1 || !p.wants("json-150") {
		t.Errorf("%+v", p)
	}
	for _, args := range []string{"-peers nobody", "-modes half", "-payloads novel", "-rounds 0", "-time 0s", "-idle 0", "-crowd 0", "-ping 0s", "-connections 0", "more"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
	if p, err := parse([]string{"-short", "-peers", "gws"}); err != nil || len(p.scenarios) != len(scenarios()) {
		t.Errorf("-short: %+v, %v", p, err)
	}
	if p, err := parse([]string{"-only", "64 in flight"}); err != nil || len(p.scenarios) != 2 || len(p.chosen(pipelineLoads(p))) != 2 || len(p.chosen(pingPongLoads(p))) != 0 {
		t.Errorf("-only: %+v, %v", p, err)
	}
	if p, err := parse([]string{"-scenario", "growth", "-only", "number of conn"}); err != nil || len(p.growing()) != 1 || p.growing()[0].grows != "connections" {
		t.Errorf("-only of growth: %+v, %v", p, err)
	}
	for _, args := range []string{"-only [", "-only members", "-scenario growth -only flight", "-scenario idle -only 64"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
	if err := run([]string{"-scenario", "sleep"}); err == nil || !strings.Contains(err.Error(), "deflate") {
		t.Errorf("an unknown scenario: %v", err)
	}
	if err := run([]string{"serve", "-peer", "gorilla", "-mode", "ct15"}); err == nil {
		t.Error("a server in a mode that it has not")
	}
}
