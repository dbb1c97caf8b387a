//go:build !windows

package flight_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/fb1e3c20/websockets/transport/flight"
)

// What others have put in the place of a file is neither followed nor removed.
func TestWholeFiles(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "file")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path+".part"); err != nil {
		t.Fatal(err)
	}
	if err := flight.WriteWhole(path, []byte("new")); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v", err)
	}
	if p, err := os.ReadFile(victim); err != nil || string(p) != "mine" || len(filesIn(t, dir)) != 2 {
		t.Errorf("%q, %v, %q", p, err, filesIn(t, dir))
	}
	if err := os.Remove(path + ".part"); err != nil {
		t.Fatal(err)
	}
	if err := flight.WriteWhole(path, []byte("new")); err != nil {
		t.Error(err)
	}
	if p, err := os.ReadFile(path); err != nil || string(p) != "new" || len(filesIn(t, dir)) != 2 {
		t.Errorf("%q, %v, %q", p, err, filesIn(t, dir))
	}
}
