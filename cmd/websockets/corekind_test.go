package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/wasm"
)

// onBothCores runs a test for each --core.
func onBothCores(t *testing.T, test func(t *testing.T, core string)) {
	for _, core := range []string{"native", "wasm"} {
		t.Run(core, func(t *testing.T) { test(t, core) })
	}
}

// hostsBy has commands make their hosts with f until the end of the test.
func hostsBy(t *testing.T, f func(context.Context, *wasm.Options) (*wasm.Host, error)) {
	t.Helper()
	before := newHost
	newHost = f
	t.Cleanup(func() { newHost = before })
}

// brokenHost makes a host whose cores have all failed.
func brokenHost(ctx context.Context, o *wasm.Options) (*wasm.Host, error) {
	h, err := wasm.NewHost(ctx, o)
	if err != nil {
		return nil, err
	}
	return h, h.Close(ctx)
}

func sandboxOf(t *testing.T) *wasm.Host {
	t.Helper()
	h, err := coreKind{"wasm"}.sandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h
}

// What was compiled is kept in the user's cache; where nothing can be kept it goes
// without.
func TestSandboxCache(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, t.TempDir())
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	hostsBy(t, func(ctx context.Context, o *wasm.Options) (*wasm.Host, error) {
		if o == nil {
			dirs = append(dirs, "none")
			return &wasm.Host{}, nil
		}
		dirs = append(dirs, o.CacheDir)
		return nil, errors.New("the directory cannot be written")
	})
	if _, err := (coreKind{"wasm"}).sandbox(t.Context()); err != nil {
		t.Error(err)
	}
	if want := []string{filepath.Join(cache, "websockets"), "none"}; !slices.Equal(dirs, want) {
		t.Errorf("hosts were made with %q, want %q", dirs, want)
	}
}

func TestNoSandbox(t *testing.T) {
	hostsBy(t, func(context.Context, *wasm.Options) (*wasm.Host, error) { return nil, errors.New("no room") })
	for _, args := range []string{"serve --addr 127.0.0.1:0", "sim --runs 1", "replay corekind.go"} {
		r := command(t.Context(), "", strings.Fields(args+" --core wasm")...)
		if r.status != statusFailed || r.stdout != "" || r.stderr != "websockets: --core wasm: no room\n" {
			t.Errorf("%s: status %d, standard output %q, standard error %q", args, r.status, r.stdout, r.stderr)
		}
	}
}
