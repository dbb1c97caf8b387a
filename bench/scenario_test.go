package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// short runs scenarios, short, and returns what they print and the directory of their
// pictures.
func short(t *testing.T, args ...string) (out, pictures string) {
	t.Helper()
	pictures = t.TempDir()
	p, err := parse(append([]string{"-short", "-svg", pictures}, args...))
	if err != nil {
		t.Fatal(err)
	}
	p.progress, p.idle = io.Discard, 4
	var b strings.Builder
	if err := p.run(&b); err != nil {
		t.Fatal(err)
	}
	return b.String(), pictures
}

// A scenario prints its tables, with a row for each server, and draws its pictures.
func TestScenarios(t *testing.T) {
	for _, test := range []struct {
		args     string
		tables   []string
		rows     int // of the peer that is asked for first
		pictures []string
	}{
		{"-scenario pingpong -peers gws,rawtcp", []string{"16 B binary, 64 connections", "1 KiB text, 100 connections", "256 KiB binary, 1 connection", "All in relation to rawtcp"}, 5, []string{"pingpong"}},
		{"-scenario pipeline -peers gorilla,rawtcp", []string{"16 B binary, 64 connections, 64 in flight"}, 2, []string{"pipeline"}},
		{"-scenario connect -peers coder,rawtcp", []string{"Connect, one echo, close"}, 1, []string{"connect"}},
		{"-scenario idle -peers nbio,rawtcp", []string{"Growth of resident memory over 100 connections"}, 1, []string{"idle"}},
		{"-scenario growth -peers websockets,rawtcp", []string{"number of connections", "ASCII", "other characters", "members"}, 4,
			[]string{"growth-connections", "growth-size-ascii", "growth-size-foreign", "growth-broadcast"}},
		{"-scenario deflate -peers websockets,gws -modes off,ct12 -payloads noise-16k",
			[]string{"without compression, noise-16k: 16384 bytes", "windows of 12 bits, noise-16k", "memory of an idle connection"}, 2 + 2, nil},
		{"-scenario million -peers websockets", []string{"idle connections, each pinged every"}, 0, nil},
	} {
		name, _, _ := strings.Cut(strings.TrimPrefix(test.args, "-scenario "), " ")
		t.Run(name, func(t *testing.T) {
			args := strings.Fields(test.args)
			out, pictures := short(t, args...)
			for _, want := range test.tables {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
			first, _, _ := strings.Cut(args[3], ",")
			if rows := strings.Count(out, "\n"+first+" "); rows != test.rows {
				t.Errorf("%d rows of %s, want %d:\n%s", rows, first, test.rows, out)
			}
			for _, picture := range test.pictures {
				if p, err := os.ReadFile(filepath.Join(pictures, picture+".svg")); err != nil || !strings.Contains(string(p), first) {
					t.Errorf("the picture %s: %v:\n%s", picture, err, p)
				}
			}
		})
	}
}

func TestTurns(t *testing.T) {
	servers := make([]*server, 3)
	p := &plan{rounds: 3, progress: io.Discard}
	var order []int
	fails := 0
	do := func(i int) error {
		order = append(order, i)
		if i == 2 && fails > 0 {
			fails--
			return errors.New("no")
		}
		return nil
	}
	if err := p.turns(servers, do); err != nil || !slices.Equal(order, []int{0, 1, 2, 1, 2, 0, 2, 0, 1}) {
		t.Errorf("%v, %v", order, err)
	}
	order, fails, p.rounds = nil, 1, 1
	if err := p.turns(servers, do); err != nil || !slices.Equal(order, []int{0, 1, 2, 2}) {
		t.Errorf("after a failure: %v, %v", order, err)
	}
	fails = 2
	if err := p.turns(servers, do); err == nil {
		t.Error("two failures")
	}
	fails, p.short = 1, true
	if err := p.turns(servers, do); err == nil {
		t.Error("a failure in a short run")
	}
}
