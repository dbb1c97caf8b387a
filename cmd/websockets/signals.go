//go:build !unix

package main

import (
	"os"
	"syscall"
)

// endings are the signals that end the command.
func endings() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// beforeDeath has no signals to heed here.
func beforeDeath(func()) {}
