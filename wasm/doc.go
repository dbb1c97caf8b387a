// Package wasm runs the protocol core inside WebAssembly: everything that a peer
// sends is parsed in a sandbox, which has no memory, file or socket of the
// process's own. The same source as package core, compiled for another machine,
// gives the same answers to the last bit.
//
//	h, err := wasm.NewHost(ctx, nil)
//	...
//	defer h.Close(ctx) // once the servers are shut down
//	o := websockets.Strict()
//	o.Machine = h.Machine // connections of o have their core in the sandbox
//	http.Handle("/echo", websockets.Handle(echo, o))
//
// A [Host] compiles the module once and runs instances of it side by side, each
// with thousands of connections. [Host.Machine] makes the core of one connection:
// a [Conn], which is a transport.Machine as core.Conn is, so that the driver, every
// transport and the simulator run on it unchanged.
//
// # What it costs
//
// A call into the sandbox copies the bytes that it is about and takes a few hundred
// nanoseconds; a message that is received and sent back takes about a microsecond
// longer than natively, next to system calls that take several. [Conn.Batch] passes many
// frames in one call, without copies. docs/performance.md has numbers, and the
// command that prints them.
//
// Compression costs the more in a sandbox: a compressed message of a kilobyte that is
// received and sent back takes three to four times as long as natively. What connections keep for
// it is bounded by [Options.HandshakeMemory]. A message that is to be compressed passes
// through the sandbox in whole, so one that is longer than an eighth of that may fail
// with [ErrTooLong]: a Writer sends it in parts.
//
// # What can go wrong
//
// Peers cannot make the sandbox fail. Should it trap all the same, by a mistake in
// the module or for want of memory, that instance is discarded: each of its
// connections ends with a *[TrapError], others live on, and new connections get
// a new instance.
//
// # Other hosts
//
// The module needs no Go around it: [Module] returns it, docs/wasm-abi.md in the
// repository describes its functions, and examples/wasm-node and
// examples/wasm-browser are hosts of it in JavaScript.
package wasm
