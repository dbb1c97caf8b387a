package main

import (
	"io"
	"os"
	"os/exec"
	"time"
)

// A process is this program once more: it does what it is told on its input, answers on
// its output, and ends with its input.
type process struct {
	cmd      *exec.Cmd
	commands io.WriteCloser
	output   io.Reader
}

func startProcess(args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(program, args...)}
	p.cmd.Stderr = os.Stderr
	if p.commands, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.output, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// stop ends the process, and kills it if it does not end.
func (p *process) stop() {
	p.commands.Close()
	late := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	p.cmd.Wait()
}
