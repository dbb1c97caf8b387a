//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func entries(t *testing.T, dir string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*/*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestCompiledOnce(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) {
		cmd := command(t, args...)
		cmd.Env = append(cmd.Env, "WASIEXEC_CACHE="+dir)
		if got := outcomeOf(t, cmd); got.status != 134 {
			t.Fatalf("%+v", got)
		}
	}
	name := file(t, trap)
	run("-interpreter", name)
	if names := entries(t, dir); len(names) != 0 {
		t.Errorf("the interpreter keeps %v", names)
	}
	run(name)
	names := entries(t, dir)
	if len(names) != 1 {
		t.Fatalf("kept are %v, want one file", names)
	}
	written := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(filepath.Join(dir, names[0]), written, written); err != nil {
		t.Fatal(err)
	}
	run(name)
	if info, err := os.Stat(filepath.Join(dir, names[0])); err != nil || !info.ModTime().Equal(written) {
		t.Errorf("it was compiled again: %v, %v", info, err)
	}
}

func TestCacheInTheHomeDirectory(t *testing.T) {
	home := t.TempDir()
	cmd := command(t, file(t, trap))
	cmd.Env = append(cmd.Env, "WASIEXEC_CACHE=", "XDG_CACHE_HOME=", "HOME="+home)
	outcomeOf(t, cmd)
	found := 0
	filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(path, "/wasiexec/wazero-") && d.Type().IsRegular() {
			found++
		}
		return err
	})
	if found != 1 {
		t.Errorf("%d files are kept in the home directory, want 1", found)
	}
}

func TestCacheThatCannotBe(t *testing.T) {
	for _, tt := range []struct{ variables, want string }{
		{"WASIEXEC_CACHE=" + file(t, ""), "set WASIEXEC_CACHE to a directory that can be written"},
		{"WASIEXEC_CACHE= XDG_CACHE_HOME= HOME=", "set WASIEXEC_CACHE to a directory"},
	} {
		cmd := command(t, file(t, trap))
		cmd.Env = append(cmd.Env, strings.Fields(tt.variables)...)
		if got := outcomeOf(t, cmd); got.status != 125 || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.variables, got)
		}
	}
}

func TestTrim(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"mine/oldest", "wazero-2/oldest", "wazero-1/old", "wazero-2/new", "wazero-1/newest"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 10), 0o666); err != nil {
			t.Fatal(err)
		}
		written := time.Unix(int64(i), 0)
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		size int64
		want []string
	}{
		{40, []string{"mine/oldest", "wazero-1/newest", "wazero-1/old", "wazero-2/new", "wazero-2/oldest"}},
		{39, []string{"mine/oldest", "wazero-1/newest", "wazero-1/old", "wazero-2/new"}},
		{20, []string{"mine/oldest", "wazero-1/newest", "wazero-2/new"}},
		{9, []string{"mine/oldest"}},
	} {
		if err := trim(dir, tt.size); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, dir); !slices.Equal(got, tt.want) {
			t.Errorf("%d bytes: %v, want %v", tt.size, got, tt.want)
		}
	}
}
