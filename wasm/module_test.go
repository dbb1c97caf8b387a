package wasm

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"github.com/fb1e3c20/websockets/wasm/internal/build"
)

// The bounds of the module.
const (
	mostBytes  = 2_600_000
	mostPacked = 780_000
)

// What is embedded is what the source builds, bit for bit, under the Go version that
// is recorded beside it. Under another one the other tests say that it does the same
// as the native core.
func TestModuleIsBuiltFromSource(t *testing.T) {
	var a struct {
		Go     string
		SHA256 string
		Bytes  int
		Gzip   int
	}
	if err := json.Unmarshal(about, &a); err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(Module())); sum != a.SHA256 || len(Module()) != a.Bytes || len(packed) != a.Gzip {
		t.Errorf("core.wasm.gz has SHA-256 %s and %d bytes, %d compressed, core.wasm.json tells %+v: run go generate ./wasm", sum, len(Module()), len(packed), a)
	}
	if a.Bytes > mostBytes || a.Gzip > mostPacked {
		t.Errorf("the module has %d bytes, %d compressed, want at most %d and %d", a.Bytes, a.Gzip, mostBytes, mostPacked)
	}
	if a.Go != runtime.Version() {
		t.Logf("the module was built by %s and is not built again by %s", a.Go, runtime.Version())
		return
	}
	built, err := build.Guest(".")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(built, Module()) {
		t.Errorf("the source builds a module of %d bytes with SHA-256 %x, another one than core.wasm.gz: run go generate ./wasm", len(built), sha256.Sum256(built))
	}
}
