module github.com/fb1e3c20/websockets

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/tetratelabs/wazero v1.12.0
	github.com/tidwall/pretty v1.2.2
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

tool github.com/fb1e3c20/websockets/wasm/wasiexec
