// Command websockets serves and opens WebSocket connections: a server to play
// with, with a page that shows the frames of every connection as they pass,
// and a client for the terminal and for scripts. It runs simulated networks, and
// repeats what was recorded of real ones. Begin with
//
//	websockets --help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/alecthomas/kong"
)

// main has the first interrupt end the command well, and the second at once.
func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endings()...)
	std := &console{
		stdin:     os.Stdin,
		stdout:    os.Stdout,
		stderr:    os.Stderr,
		interrupt: func() { signals <- os.Interrupt },
	}
	go func() {
		<-signals
		cancel()
		<-signals
		std.restore()
		os.Exit(statusFailed)
	}()
	beforeDeath(std.restore)
	os.Exit(run(ctx, os.Args[1:], std))
}

// commands are what the first argument chooses from.
type commands struct {
	Serve   serveCommand     `cmd:"" help:"Run a server to play with: a page, an echo and a chat."`
	Connect connectCommand   `cmd:"" help:"Connect to a server: lines in, messages out."`
	Sim     simCommand       `cmd:"" help:"Run simulated networks, with faults, until something breaks."`
	Replay  replayCommand    `cmd:"" help:"Run a scenario of the simulator, or the recording of a connection, again."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

func (commands) Help() string {
	return `Try it:

  websockets serve                                 then open http://127.0.0.1:8080
  websockets connect ws://127.0.0.1:8080/echo      in another terminal
  echo hello | websockets connect ws://127.0.0.1:8080/echo
  websockets sim --runs 1000                       simulated networks that fail

Exit status: 0 when all went well, 1 when a connection was refused or lost, an
address could not be used or a simulated run failed, 2 when the command line
makes no sense.`
}

// console is what a command reads and writes.
type console struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	interrupt      func()                 // does what an interrupt of the process does
	editor         atomic.Pointer[editor] // to be closed before the process exits; nil if there is none
}

// restore makes the terminal what it was.
func (std *console) restore() {
	if e := std.editor.Load(); e != nil {
		e.close()
	}
}

// Exit statuses.
const (
	statusOK = iota
	statusFailed
	statusUsage

	statusInterrupted = 130 // as a shell has it of what an interrupt ended
)

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is main without its process: it returns the exit status. The end of ctx
// is the user's wish to stop.
func run(ctx context.Context, args []string, std *console) int {
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("websockets"),
		kong.Description("WebSocket (RFC 6455) from the command line."),
		kong.Vars{"version": version(), "cpus": cpus()},
		kong.Writers(std.stdout, std.stderr),
		kong.Exit(func(status int) { exited = status }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		return std.fail(err, statusFailed)
	}
	if len(args) == 0 || args[0] == "help" {
		args = append(args[min(len(args), 1):], "--help")
	}
	chosen, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		name := ""
		if mistake, ok := errors.AsType[*kong.ParseError](err); ok {
			name = commandOf(mistake.Context)
		}
		return std.misused(err, name)
	}
	err = chosen.Run()
	if _, ok := errors.AsType[usageError](err); ok {
		return std.misused(err, commandOf(chosen))
	}
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, errTold):
		return statusFailed
	case errors.Is(err, errUnfinished):
		return statusInterrupted
	}
	return std.fail(err, statusFailed)
}

// commandOf returns the name of the command that was asked for, with a space
// before it; "" when none was.
func commandOf(c *kong.Context) string {
	if node := c.Selected(); node != nil {
		return " " + node.Name
	}
	return ""
}

// misused reports a mistake on the command line.
func (std *console) misused(err error, name string) int {
	std.fail(err, statusUsage)
	note(std.stderr, `Run "websockets%s --help" for what can be asked.`, name)
	return statusUsage
}

func (std *console) fail(err error, status int) int {
	text := strings.TrimPrefix(err.Error(), "websocket: ")
	note(std.stderr, "websockets: %s", text)
	return status
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "websockets (unknown version)"
	}
	return fmt.Sprintf("websockets %s %s", info.Main.Version, info.GoVersion)
}
