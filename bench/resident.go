package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// resident returns the memory of the process with what of it is resident, as Linux
// tells.
func (s *server) resident() (memory, error) {
	m, err := s.memory(false)
	if err != nil {
		return memory{}, err
	}
	m.Resident, err = kilobytesOf(fmt.Sprintf("/proc/%d/smaps_rollup", s.cmd.Process.Pid), "Rss")
	return m, s.failed(err)
}

// kilobytesOf returns, in bytes, what a line such as "Rss: 12 kB" of a file tells.
func kilobytesOf(file, name string) (uint64, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == name+":" && fields[2] == "kB" {
			n, err := strconv.ParseUint(fields[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s does not tell %s", file, name)
}
