// Wasiexec runs a WASI program inside wazero as if it were a native one. It is
// made for test binaries:
//
//	GOOS=wasip1 GOARCH=wasm go test -exec "env GOOS= GOARCH= go tool wasiexec" ./core/...
//
// Go builds the tests for WebAssembly and starts each through wasiexec, which
// itself is built for this machine: hence the env. Alone it is used like this:
//
//	go tool wasiexec [-interpreter] [--] FILE [ARGUMENT...]
//
// What the program sees is what a native one would see: its arguments, the
// environment, the standard streams, all files, with the current directory where
// it is, the time, sleep that takes time, and random numbers that are random. It
// has no network and cannot start processes. An interrupt ends it.
//
// The exit status is the program's. It is 134, as after abort, when the program
// trapped, which is what a WebAssembly program does in place of crashing, and 125
// when it could not be started; a message tells why.
//
// A program is compiled to machine code when it is first run, and the result is
// kept in the directory that the environment variable WASIEXEC_CACHE names, or
// else in the user's cache directory; above 1 GiB the oldest go. With -interpreter
// nothing is compiled, and it runs far slower.
//
// It is for Unix: WASI has no drive letters.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/tetratelabs/wazero/sys"
)

// Exit statuses that are not the program's.
const (
	exitNotRun  = 125
	exitTrapped = 134
)

func main() {
	flags := flag.NewFlagSet("wasiexec", flag.ContinueOnError)
	interpreter := flags.Bool("interpreter", false, "interpret the program, do not compile it")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: wasiexec [-interpreter] [--] FILE [ARGUMENT...]")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(exitNotRun)
	case flags.NArg() == 0:
		flags.Usage()
		os.Exit(exitNotRun)
	}
	os.Exit(status(flags.Arg(0), run(context.Background(), flags.Args(), *interpreter)))
}

// status turns the outcome of run into an exit status, and tells what the
// program could not tell itself.
func status(file string, err error) int {
	var exit *sys.ExitError
	var trap trapError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit.ExitCode())
	case errors.As(err, &trap):
		fmt.Fprintf(os.Stderr, "wasiexec: %s trapped: %v\n", file, trap)
		return exitTrapped
	default:
		fmt.Fprintf(os.Stderr, "wasiexec: %s was not run: %v\n", file, err)
		return exitNotRun
	}
}
