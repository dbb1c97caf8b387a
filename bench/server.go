package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
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

	cmd      *exec.Cmd
	commands io.WriteCloser
	answers  *bufio.Reader
}

// start starts this program once more, as a server. A profile of its CPU goes to a
// file when it stops, unless that is "".
func start(peer *peers.Peer, mode raw.Mode, profile string) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{peer: peer, mode: mode}
	s.cmd = exec.Command(program, "serve", "-peer", peer.Name, "-mode", mode.Name, "-profile", profile)
	s.cmd.Stderr = os.Stderr
	if s.commands, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
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

// stop ends the process.
func (s *server) stop() {
	s.commands.Close()
	s.cmd.Wait()
}
