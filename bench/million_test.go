package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/bench/peers"
)

func TestStages(t *testing.T) {
	for most, want := range map[int][]int{5: {5}, 10_000: {10_000}, 20_000: {10_000, 20_000}, 1_000_000: {10_000, 100_000, 1_000_000}} {
		if got := stages(most); !slices.Equal(got, want) {
			t.Errorf("%d: %v; want %v", most, got, want)
		}
	}
}

// Any peer can hold connections; those that do not ping are pinged.
func TestEveryPeerHoldsConnections(t *testing.T) {
	for _, peer := range peers.All() {
		if !peer.Has(uncompressed) {
			continue
		}
		t.Run(peer.Name, func(t *testing.T) {
			t.Parallel()
			out, _ := short(t, "-scenario", "million", "-peers", peer.Name)
			if !strings.Contains(out, "\n200 ") || strings.Contains(out, "no more than") {
				t.Error(out)
			}
		})
	}
}

// What stops a client is told, with how far it came.
func TestALimit(t *testing.T) {
	s, err := start(&job{peer: peers.All()[0], mode: uncompressed})
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	client, err := startCrowd(s, "192.0.2.1", 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer client.stop()
	if client.opened.Open != 0 || !strings.Contains(client.opened.Problem, "connection 1") {
		t.Errorf("%+v", client.opened)
	}
	if now, err := client.stats(); err != nil || now.Open != 0 {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestKernelMemory(t *testing.T) {
	k, err := readKernelMemory()
	if err != nil || k.slab == 0 || k.pages == 0 {
		t.Errorf("%+v, %v", k, err)
	}
	file := filepath.Join(t.TempDir(), "proc")
	if err := os.WriteFile(file, []byte("sockets: used 13\nTCP: inuse 1 orphan 0 tw 10028 alloc 1 mem 203\nSlab:  12 kB\nBad: x kB\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := socketMemory(file); err != nil || n != uint64(203*os.Getpagesize()) {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := kilobytesOf(file, "Slab"); err != nil || n != 12<<10 {
		t.Errorf("%d, %v", n, err)
	}
	for _, name := range []string{"Bad", "PageTables"} {
		if _, err := kilobytesOf(file, name); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := socketMemory(os.DevNull); err == nil {
		t.Error("no line of TCP")
	}
}
