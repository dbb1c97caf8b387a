// Command bench compares WebSocket libraries: echo servers in processes of their own,
// one client that knows nothing of them, and rounds in which they take turns. See
//
//	go run . -help
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
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
	if len(args) > 0 && args[0] == "serve" {
		return serve(args[1:], os.Stdin, os.Stdout)
	}
	p, err := parse(args)
	if err != nil {
		return err
	}
	switch p.scenario {
	case "deflate":
		return deflate(p, os.Stdout)
	default:
		return fmt.Errorf("no scenario %q; there is deflate", p.scenario)
	}
}

// A plan is what was asked for.
type plan struct {
	scenario string
	peers    []*peers.Peer
	modes    []raw.Mode
	payloads []string // all if empty
	rounds   int
	time     time.Duration // of one measurement, roughly
	idle     int           // connections whose memory is measured
	markdown bool
	profiles string    // a directory, "" for none
	progress io.Writer // of what takes long
}

func parse(args []string) (*plan, error) {
	p := &plan{progress: os.Stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&p.scenario, "scenario", "deflate", "what is measured: deflate")
	names := flags.String("peers", "", "which peers, separated by commas (default all)")
	modes := flags.String("modes", "", "which modes, of off, nct, ct12 and ct15 (default all)")
	payloads := flags.String("payloads", "", "which payloads, by their names in the tables; none: memory alone (default all)")
	flags.IntVar(&p.rounds, "rounds", 3, "how many rounds the medians are of")
	flags.DurationVar(&p.time, "time", 300*time.Millisecond, "how long each server is measured in a round, roughly")
	flags.IntVar(&p.idle, "idle", 500, "on how many connections memory is measured")
	flags.BoolVar(&p.markdown, "markdown", false, "print the tables in Markdown")
	flags.StringVar(&p.profiles, "profiles", "", "write CPU profiles of the servers to this directory")
	short := flags.Bool("short", false, "one short round: whether it works, not how fast")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *short {
		p.rounds, p.time, p.idle = 1, 10*time.Millisecond, 50
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if p.rounds < 1 || p.time <= 0 || p.idle < 1 {
		return nil, errors.New("-rounds, -time and -idle must be more than 0")
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
	p.peers, p.modes = peers.All(), raw.Modes
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
