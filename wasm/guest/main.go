// Command guest is the core as a WebAssembly module: a WASI reactor whose
// exports docs/wasm-abi.md describes. It is built by go generate in package
// wasm, which embeds it:
//
//	GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -buildmode=c-shared -ldflags="-s -w"
//
// Nothing in it allocates while open connections receive and send, and nothing
// that a host passes in makes it trap: every export recovers, every range is
// checked.
package main

func main() {}
