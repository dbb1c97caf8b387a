package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// A server is a peer's echo server in a process of its own. One goroutine may use it
// at a time.
type server struct {
	peer *peers.Peer
	mode raw.Mode
	addr string

	*process
	answers *bufio.Reader
}

// A job is what a server is to do.
type job struct {
	peer    *peers.Peer
	mode    raw.Mode
	kind    string        // how it serves: what serve knows; "" for echo
	ping    time.Duration // how often it does, if it is to hold connections
	listen  string        // an address, "" for any port of this machine
	profile string        // a file that a profile of its CPU goes to when it stops, "" for none
}

func (j *job) args() []string {
	return []string{"serve", "-peer", j.peer.Name, "-mode", j.mode.Name, "-as", cmp.Or(j.kind, kindEcho),
		"-ping", j.ping.String(), "-listen", cmp.Or(j.listen, "127.0.0.1:0"), "-profile", j.profile}
}

// start starts this program once more, as a server.
func start(j *job) (*server, error) {
	p, err := startProcess(j.args()...)
	if err != nil {
		return nil, err
	}
	s := &server{peer: j.peer, mode: j.mode, process: p, answers: bufio.NewReader(p.output)}
	line, err := s.answers.ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%s did not start: %w", s, err)
	}
	s.addr = strings.TrimSpace(line)
	return s, nil
}

func (s *server) String() string { return s.peer.Name + " (" + s.mode.Name + ")" }

// cpu returns how much CPU time the process has taken.
func (s *server) cpu() (time.Duration, error) {
	d, err := processTime(s.cmd.Process.Pid)
	if err != nil {
		return 0, fmt.Errorf("CPU time of %s: %w", s, err)
	}
	return d, nil
}

// target is the server as the client sees it.
func (s *server) target() raw.Target { return raw.Target{Addr: s.addr, Plain: s.peer.Plain} }

// failed says of whom an error is.
func (s *server) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s, err)
}

// spent returns what each of the things cost the server that do does.
func (s *server) spent(do func() (things int, err error)) (sample, error) {
	return spent([]*server{s}, do)
}

// spent returns what each of the things cost the servers that do does, all together.
func spent(servers []*server, do func() (things int, err error)) (sample, error) {
	memory, err := memoryOf(servers)
	if err != nil {
		return sample{}, err
	}
	cpu, err := cpuOf(servers)
	if err != nil {
		return sample{}, err
	}
	things, err := do()
	if err != nil {
		return sample{}, err
	}
	cpuAfter, err := cpuOf(servers)
	if err != nil {
		return sample{}, err
	}
	memoryAfter, err := memoryOf(servers)
	if err != nil {
		return sample{}, err
	}
	n := float64(things)
	return sample{
		cpu:     time.Duration(float64(cpuAfter-cpu) / n),
		objects: float64(memoryAfter.Objects-memory.Objects) / n,
		bytes:   float64(memoryAfter.Bytes-memory.Bytes) / n,
	}, nil
}

// cpuOf returns how much CPU time servers have taken together.
func cpuOf(servers []*server) (total time.Duration, err error) {
	for _, s := range servers {
		d, err := s.cpu()
		if err != nil {
			return 0, err
		}
		total += d
	}
	return total, nil
}

// memoryOf returns what servers have allocated together.
func memoryOf(servers []*server) (total memory, err error) {
	for _, s := range servers {
		m, err := s.memory(false)
		if err != nil {
			return total, err
		}
		total.Objects += m.Objects
		total.Bytes += m.Bytes
	}
	return total, nil
}

// memory asks for the memory of the process, after garbage collections if collect.
func (s *server) memory(collect bool) (memory, error) {
	command := commandMemory
	if collect {
		command = commandCollect
	}
	if _, err := io.WriteString(s.commands, command+"\n"); err != nil {
		return memory{}, fmt.Errorf("%s: %w", s, err)
	}
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		return memory{}, fmt.Errorf("%s has ended: %w", s, err)
	}
	var m memory
	if err := json.Unmarshal(line, &m); err != nil {
		return memory{}, fmt.Errorf("%s answers %q: %w", s, line, err)
	}
	return m, nil
}

// start starts the servers that have the mode, in the order in which they were asked for.
func (p *plan) start(mode raw.Mode) (servers []*server, err error) {
	for _, peer := range p.peers {
		if !peer.Has(mode) {
			continue
		}
		profile := ""
		if p.profiles != "" {
			profile = filepath.Join(p.profiles, peer.Name+"-"+mode.Name+".pprof")
		}
		s, err := start(&job{peer: peer, mode: mode, profile: profile})
		if err != nil {
			return servers, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// count is how many servers have the mode.
func (p *plan) count(mode raw.Mode) (n int) {
	for _, peer := range p.peers {
		if peer.Has(mode) {
			n++
		}
	}
	return n
}

func stop(servers []*server) {
	for _, s := range servers {
		s.stop()
	}
}
