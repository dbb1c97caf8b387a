//go:build unix && race

package tcp_test

const raceEnabled = true
