package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// What the benchmark asks a server, each a line, and is answered in a line.
const (
	commandMemory  = "memory"
	commandCollect = "collect" // memory after garbage collections
)

// memory is that of a server's process, in bytes.
type memory struct {
	Heap, Stack uint64 // in use
	Resident    uint64 // all that is in memory; the benchmark adds it
	Objects     uint64 // ever allocated
	Bytes       uint64 // likewise
}

// serve is the process of a server: it prints its address, and answers commands until
// there are no more.
func serve(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	name := flags.String("peer", "", "whose server")
	mode := flags.String("mode", "", "how it compresses")
	kind := flags.String("as", kindEcho, "what it does: echo, broadcast or hold")
	ping := flags.Duration("ping", time.Minute, "how often it pings if it is to hold connections")
	address := flags.String("listen", "127.0.0.1:0", "where it listens")
	profile := flags.String("profile", "", "file for a profile of the CPU")
	if err := flags.Parse(args); err != nil {
		return err
	}
	peer, err := peers.Of(*name)
	if err != nil {
		return err
	}
	m, err := raw.ModeOf(*mode)
	if err != nil {
		return err
	}
	serve, err := serverOf(peer, m, *kind, *ping)
	if err != nil {
		return err
	}
	if *profile != "" {
		end, err := startProfile(*profile)
		if err != nil {
			return err
		}
		defer end()
	}
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- fmt.Errorf("%s: %w", peer.Name, serve(l)) }()
	fmt.Fprintln(out, l.Addr())
	answered := make(chan error, 1)
	go func() { answered <- answer(in, out) }()
	select {
	case err := <-failed:
		return err
	case err := <-answered:
		return err
	}
}

// What a server does with messages.
const (
	kindEcho      = "echo"
	kindBroadcast = "broadcast"
	kindHold      = "hold" // echo, and ping while there is nothing else
)

func serverOf(peer *peers.Peer, mode raw.Mode, kind string, ping time.Duration) (func(net.Listener) error, error) {
	switch {
	case !peer.Has(mode):
		return nil, fmt.Errorf("%s has no mode %s", peer.Name, mode.Name)
	case kind == kindEcho:
		return func(l net.Listener) error { return peer.Serve(l, mode) }, nil
	case kind == kindBroadcast && peer.Broadcast != nil:
		return peer.Broadcast, nil
	case kind == kindHold && peer.Hold != nil:
		return func(l net.Listener) error { return peer.Hold(l, ping) }, nil
	}
	return nil, fmt.Errorf("%s does not %s", peer.Name, kind)
}

func startProfile(file string) (end func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

func answer(in io.Reader, out io.Writer) error {
	commands := bufio.NewScanner(in)
	for commands.Scan() {
		switch command := commands.Text(); command {
		case commandCollect:
			// Pools let go of what they hold in the second.
			for range 3 {
				runtime.GC()
			}
		case commandMemory:
		default:
			return fmt.Errorf("unknown command %q", command)
		}
		if err := json.NewEncoder(out).Encode(used()); err != nil {
			return err
		}
	}
	return commands.Err()
}

func used() memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{Heap: m.HeapAlloc, Stack: m.StackInuse, Objects: m.Mallocs, Bytes: m.TotalAlloc}
}
