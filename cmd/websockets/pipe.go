//go:build !unix

package main

import "io"

// errNoReader stands for that of a pipe, which is not told from others here.
var errNoReader = io.ErrClosedPipe

func surviveClosedPipe() {}

func onReaderGone(io.Writer, func()) {}
