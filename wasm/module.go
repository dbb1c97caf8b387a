package wasm

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"sync"
)

//go:generate go run ./internal/generate

//go:embed core.wasm.gz
var packed []byte

// about tells how the module was built.
//
//go:embed core.wasm.json
var about []byte

// Module returns the WebAssembly module, as docs/wasm-abi.md describes it, for a
// host of another kind. The bytes are shared and must not be changed.
func Module() []byte { return unpacked() }

var unpacked = sync.OnceValue(func() []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // it is embedded
	}
	module, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return module
})
