//go:build unix

package main

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// endings are the signals that end the command. A hangup is among them, unless
// nohup has it ignored.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// beforeDeath calls f when a signal has come at which Go ends with a dump of
// the goroutines, and then has Go do so.
func beforeDeath(f func()) {
	deaths := slices.DeleteFunc([]os.Signal{syscall.SIGQUIT, syscall.SIGABRT}, signal.Ignored)
	if len(deaths) == 0 {
		return
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, deaths...)
	go func() {
		death := <-c
		f()
		signal.Reset(death)
		syscall.Kill(os.Getpid(), death.(syscall.Signal))
	}()
}
