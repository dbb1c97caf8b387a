//go:build trap

package main

// ws_trap is for tests of what becomes of an instance that traps: it waits for
// something that cannot come, which the runtime takes for a deadlock.
//
//go:wasmexport ws_trap
func wsTrap() { select {} }
