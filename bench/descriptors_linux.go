package main

import "golang.org/x/sys/unix"

// perProcess is how many connections a process has at most: nine tenths of the
// descriptors it may open.
func perProcess() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return mostPerProcess
	}
	return int(min(limit.Cur/10*9, mostPerProcess))
}
