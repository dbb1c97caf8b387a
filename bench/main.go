// Command bench compares WebSocket libraries: echo servers in processes of their own,
// one client that knows nothing of them and checks every echo, and rounds in which they
// take turns. What is measured is CPU time and memory of the servers' processes, as
// Linux tells. See
//
//	go run . -help
//
// A run of all tables, with the pictures of docs/performance.md; idle connections, as
// many as the machine holds; and whether everything works:
//
//	go run . -all -markdown -svg ../docs/performance
//	go run . -scenario million
//	go run . -short
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

func main() {
	err := run(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "serve":
		return serve(args[1:], os.Stdin, os.Stdout)
	case len(args) > 0 && args[0] == "fleet":
		return runFleet(os.Stdin, os.Stdout)
	case len(args) > 0 && args[0] == "crowd":
		return holdCrowd(args[1:], os.Stdin, os.Stdout)
	}
	p, err := parse(args)
	if err != nil {
		return err
	}
	return p.run(os.Stdout)
}

// A plan is what was asked for.
type plan struct {
	scenarios  []*scenario
	peers      []*peers.Peer
	named      bool // whether they were asked for by name
	modes      []raw.Mode
	payloads   []string // all if empty
	only       *regexp.Regexp
	rounds     int
	time       time.Duration // of one measurement, roughly
	idle       int           // connections whose memory is measured after compression
	crowd      int           // connections whose memory is measured otherwise
	rest       time.Duration // after which it is
	million    int           // connections that are opened at most
	ping       time.Duration // between the pings of each of them
	perProcess int           // connections of a process, at most
	spare      uint64        // bytes of memory that are left to the machine
	short      bool
	markdown   bool
	pictures   string    // a directory, "" for none
	profiles   string    // likewise
	progress   io.Writer // of what takes long

	results []*result // of what was measured so far
}

// atMost returns n, or less if the plan is short.
func (p *plan) atMost(n int) int {
	if p.short {
		return min(n, 100)
	}
	return n
}

func parse(args []string) (*plan, error) {
	p := &plan{progress: os.Stderr, perProcess: perProcess(), spare: 1 << 30}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	chosen := flags.String("scenario", "", "what is measured, separated by commas: pingpong, pipeline, connect, idle, growth, deflate, million (default all but million, and with -short all)")
	flags.Bool("all", false, "measure everything but million, as without -scenario")
	names := flags.String("peers", "", "which peers, separated by commas (default all)")
	modes := flags.String("modes", "", "which modes, of off, nct, ct12 and ct15 (default all)")
	only := flags.String("only", "", "which loads of pingpong and pipeline, and which tables of growth, a regular expression; without -scenario the loads alone (default all)")
	payloads := flags.String("payloads", "", "which payloads, by their names in the tables; none: memory alone (default all)")
	flags.IntVar(&p.rounds, "rounds", 3, "how many rounds the medians are of")
	flags.DurationVar(&p.time, "time", 300*time.Millisecond, "how long each server is measured in a round, roughly")
	flags.IntVar(&p.idle, "idle", 500, "deflate: on how many connections memory is measured")
	flags.IntVar(&p.crowd, "crowd", 5000, "idle: on how many connections memory is measured")
	flags.DurationVar(&p.rest, "rest", 2*time.Second, "deflate, idle and million: how long connections have rested before memory is measured")
	flags.IntVar(&p.million, "connections", 1_000_000, "million: how many connections are opened, at most")
	flags.DurationVar(&p.ping, "ping", time.Minute, "million: how often each connection is pinged")
	flags.BoolVar(&p.markdown, "markdown", false, "print the tables in Markdown")
	flags.StringVar(&p.pictures, "svg", "", "draw pictures, SVG, into this directory")
	flags.StringVar(&p.profiles, "profiles", "", "write CPU profiles of the servers to this directory")
	flags.BoolVar(&p.short, "short", false, "one short round of everything, in place of the sizes and times that are given: whether it works, not how fast")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if p.short {
		p.rounds, p.time, p.idle, p.crowd, p.rest = 1, 10*time.Millisecond, 50, 100, 10*time.Millisecond
		p.million, p.ping = 200, 500*time.Millisecond
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if p.rounds < 1 || p.time <= 0 || p.idle < 1 || p.crowd < 1 || p.million < 1 || p.ping <= 0 {
		return nil, errors.New("-rounds, -time, -idle, -crowd, -connections and -ping must be more than 0")
	}
	if *only != "" && *chosen == "" {
		*chosen = "pingpong,pipeline"
	}
	if err := p.chooseScenarios(split(*chosen)); err != nil {
		return nil, err
	}
	var err error
	if p.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	if err := p.checkOnly(); err != nil {
		return nil, err
	}
	if err := p.choosePayloads(split(*payloads)); err != nil {
		return nil, err
	}
	return p, p.choose(split(*names), split(*modes))
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func (p *plan) choose(names, modes []string) error {
	p.peers, p.modes, p.named = peers.All(), raw.Modes, names != nil
	if names != nil {
		p.peers = nil
	}
	for _, name := range names {
		peer, err := peers.Of(name)
		if err != nil {
			return err
		}
		p.peers = append(p.peers, peer)
	}
	if modes != nil {
		p.modes = nil
	}
	for _, name := range modes {
		mode, err := raw.ModeOf(name)
		if err != nil {
			return err
		}
		p.modes = append(p.modes, mode)
	}
	return nil
}

// choosePayloads takes the names of payloads, all if there are none.
func (p *plan) choosePayloads(names []string) error {
	known := []string{"none"}
	for _, set := range payload.Sets() {
		known = append(known, set.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no payload %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	p.payloads = names
	return nil
}

// wants reports whether a payload was asked for.
func (p *plan) wants(payload string) bool {
	return p.payloads == nil || slices.Contains(p.payloads, payload)
}
