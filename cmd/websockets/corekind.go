package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fb1e3c20/websockets/sim"
	"github.com/fb1e3c20/websockets/wasm"
)

// A coreKind says where the protocol core of connections runs.
type coreKind struct {
	Core string `enum:"native,wasm" placeholder:"native|wasm" default:"native" help:"Where the protocol core runs: native, or wasm for a WebAssembly sandbox, of which compiled code is kept in the user's cache directory. Both do the same, bit for bit. Default ${default}."`
}

// newHost is wasm.NewHost, but for tests.
var newHost = wasm.NewHost

// sandbox returns what runs cores in WebAssembly, nil for native ones. What was
// compiled is kept in the user's cache for the next time, if there is one. An
// interrupt in the meantime is seen behind it.
func (k coreKind) sandbox(ctx context.Context) (*wasm.Host, error) {
	if k.Core != "wasm" {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx)
	o := &wasm.Options{}
	if dir, err := os.UserCacheDir(); err == nil {
		o.CacheDir = filepath.Join(dir, "websockets")
	}
	h, err := newHost(ctx, o)
	if err != nil && o.CacheDir != "" {
		h, err = newHost(ctx, nil) // a cache that cannot be written is done without
	}
	if err != nil {
		return nil, fmt.Errorf("--core wasm: %w", err)
	}
	return h, nil
}

// coreFlag is what chooses this core on a command line, with a space before it; ""
// for the default.
func (k coreKind) coreFlag() string {
	if k.Core == "wasm" {
		return " --core wasm"
	}
	return ""
}

// machines makes the machines of simulated connections; nil means native ones.
func machines(h *wasm.Host) sim.MachineFunc {
	if h == nil {
		return nil
	}
	return sim.MachineOf(h.Machine)
}
