package main

import (
	"io"
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
	if len(p.peers) < 7 || p.peers[0].Name != "websockets" || len(p.modes) != 4 || !p.wants("json-150") {
		t.Errorf("%+v", p)
	}
	for _, args := range []string{"-peers nobody", "-modes half", "-payloads novel", "-rounds 0", "-time 0s", "-idle 0", "more"} {
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

// The scenario prints a table for each payload and mode, and one of memory.
func TestDeflate(t *testing.T) {
	p, err := parse([]string{"-short", "-peers", "websockets,gws", "-modes", "off,ct12", "-payloads", "noise-16k"})
	if err != nil {
		t.Fatal(err)
	}
	p.progress, p.idle = io.Discard, 4
	var out strings.Builder
	if err := deflate(p, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"without compression, noise-16k: 16384 bytes", "windows of 12 bits, noise-16k", "memory of an idle connection"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if rows := strings.Count(out.String(), "\ngws "); rows != 2+2 {
		t.Errorf("%d rows of gws:\n%s", rows, out.String())
	}
}
