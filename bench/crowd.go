package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/fb1e3c20/websockets/bench/raw"
)

// A crowd is connections of a client in a process of its own.
type crowd struct {
	*process
	answers *json.Decoder
	opened  crowdAnswer
}

// A crowdAnswer is a line of the process: first how many connections it has opened, and
// why no more, then how they are.
type crowdAnswer struct {
	raw.CrowdStats
	Problem string
}

// startCrowd starts this program once more, as a client of a server that opens n
// connections from an address. They send pings if ping is not 0.
func startCrowd(s *server, from string, n int, ping time.Duration) (*crowd, error) {
	p, err := startProcess("crowd", "-addr", s.addr, "-plain="+strconv.FormatBool(s.peer.Plain),
		"-from", from, "-n", strconv.Itoa(n), "-ping", ping.String())
	if err != nil {
		return nil, err
	}
	c := &crowd{process: p, answers: json.NewDecoder(p.output)}
	if err := c.answers.Decode(&c.opened); err != nil {
		c.stop()
		return nil, fmt.Errorf("a client of %s: %w", s, err)
	}
	return c, nil
}

// stats asks how the connections are.
func (c *crowd) stats() (a crowdAnswer, err error) {
	if _, err := io.WriteString(c.commands, "\n"); err != nil {
		return a, err
	}
	return a, c.answers.Decode(&a)
}

// holdCrowd is the process of a crowd: it answers each line of input, and ends with the
// input.
func holdCrowd(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("crowd", flag.ContinueOnError)
	addr := flags.String("addr", "", "of the server")
	plain := flags.Bool("plain", false, "whether it knows no WebSocket")
	from := flags.String("from", "127.0.0.1", "address of the client")
	n := flags.Int("n", 1, "how many connections")
	ping := flags.Duration("ping", 0, "how often each sends a ping, 0 for never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c := raw.NewCrowd(raw.Target{Addr: *addr, Plain: *plain})
	defer c.Close()
	first := crowdAnswer{}
	if err := c.Open(*from, *n); err != nil {
		first.Problem = err.Error()
	}
	first.CrowdStats = c.Stats()
	answers := json.NewEncoder(out)
	if err := answers.Encode(first); err != nil {
		return err
	}
	done, held := make(chan struct{}), make(chan error, 1)
	go func() { held <- c.Hold(done, *ping) }()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := answers.Encode(crowdAnswer{CrowdStats: c.Stats()}); err != nil {
			break
		}
	}
	close(done)
	return <-held
}
