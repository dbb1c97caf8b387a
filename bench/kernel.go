package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// kernelMemory is what the kernel of Linux holds for all processes together, in bytes.
type kernelMemory struct {
	slab    uint64 // its objects: sockets, files, what polls them
	pages   uint64 // tables of pages, and stacks of threads
	sockets uint64 // what waits in TCP's buffers
}

func (k kernelMemory) total() uint64 { return k.slab + k.pages + k.sockets }

const meminfo = "/proc/meminfo"

func readKernelMemory() (kernelMemory, error) {
	slab, err1 := kilobytesOf(meminfo, "Slab")
	tables, err2 := kilobytesOf(meminfo, "PageTables")
	stack, err3 := kilobytesOf(meminfo, "KernelStack")
	sockets, err4 := socketMemory("/proc/net/sockstat")
	return kernelMemory{slab, tables + stack, sockets}, errors.Join(err1, err2, err3, err4)
}

// socketMemory returns what follows "mem" in the line of TCP, which is in pages.
func socketMemory(file string) (uint64, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "TCP:") {
			continue
		}
		var inuse, orphan, timewait, alloc, mem uint64
		if _, err := fmt.Sscanf(line, "TCP: inuse %d orphan %d tw %d alloc %d mem %d", &inuse, &orphan, &timewait, &alloc, &mem); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		return mem * uint64(os.Getpagesize()), nil
	}
	return 0, fmt.Errorf("%s does not tell of TCP", file)
}
