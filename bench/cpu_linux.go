package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// processTime returns how much CPU time a process has taken: what /proc/PID/stat tells
// in hundredths of a second, from the same clock.
func processTime(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED of the kernel
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|sched, &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
