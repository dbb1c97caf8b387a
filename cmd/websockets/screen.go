package main

import (
	"os"

	"golang.org/x/term"
)

// A screen is what is known of the terminal that a console may be.
type screen struct {
	output, errors bool // standard output and standard error are terminals
	colors         bool // standard output can show colours, and the user wants them
	editing        bool // lines can be edited
	in, out        *os.File
}

// openScreen looks at the console and prepares a Windows terminal for escape
// sequences.
func openScreen(std *console) screen {
	var s screen
	var input bool
	s.in, input = terminal(std.stdin)
	s.out, s.output = terminal(std.stdout)
	_, s.errors = terminal(std.stderr)
	able := s.output && os.Getenv("TERM") != "dumb" && takesEscapes(s.out)
	s.colors = able && os.Getenv("NO_COLOR") == ""
	s.editing = able && input
	return s
}

// terminal returns the file that an input or output is, if it is a terminal.
func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return f, true
}
