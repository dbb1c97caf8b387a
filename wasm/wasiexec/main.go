// Wasiexec runs a WASI program, such as a test binary, inside wazero.
package main

import (
	"context"

	"github.com/tetratelabs/wazero"
)

func main() {
	ctx := context.Background()
	wazero.NewRuntime(ctx).Close(ctx)
}
