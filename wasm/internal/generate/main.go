// Command generate builds the guest and writes what package wasm embeds:
// core.wasm.gz, and core.wasm.json, which tells how it was built. It runs in the
// directory of package wasm, by go generate.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime"

	"github.com/fb1e3c20/websockets/wasm/internal/build"
)

func main() {
	log.SetFlags(0)
	if err := generate(); err != nil {
		log.Fatal("generate: ", err)
	}
}

func generate() error {
	module, err := build.Guest(".")
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(module); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	about, err := json.MarshalIndent(map[string]any{
		"go": runtime.Version(), "sha256": fmt.Sprintf("%x", sha256.Sum256(module)), "bytes": len(module), "gzip": packed.Len(),
	}, "", "\t")
	if err != nil {
		return err
	}
	fmt.Printf("core.wasm: %d bytes, %d compressed\n", len(module), packed.Len())
	if err := os.WriteFile("core.wasm.json", append(about, '\n'), 0o666); err != nil {
		return err
	}
	return os.WriteFile("core.wasm.gz", packed.Bytes(), 0o666)
}
