package wasm

import (
	"log"
	"os"
	"testing"

	"github.com/fb1e3c20/websockets/internal/leak"
)

// TestCache is where hosts of tests keep compiled code: compiling takes half a
// second.
var TestCache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wasm")
	if err != nil {
		log.Fatal(err)
	}
	TestCache = dir
	leak.Main(m, func() { os.RemoveAll(dir) })
}
