// Package wasm runs the protocol core in WebAssembly.
package wasm
