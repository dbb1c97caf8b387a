package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// run runs the program in the file args[0]. The error is nil or a
// [sys.ExitError] when the program ended by itself, and a [trapError] when it
// trapped.
func run(ctx context.Context, args []string, interpreter bool) error {
	wasm, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	engine, err := engineConfig(interpreter)
	if err != nil {
		return err
	}
	guest, err := guestConfig(args)
	if err != nil {
		return err
	}
	machine := wazero.NewRuntimeWithConfig(ctx, engine)
	defer machine.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, machine); err != nil {
		return err
	}
	program, err := machine.CompileModule(ctx, wasm)
	if err != nil {
		return fmt.Errorf("build it with GOOS=wasip1 GOARCH=wasm: %w", err)
	}
	instance, err := machine.InstantiateModule(ctx, program, guest)
	if err != nil {
		return err
	}
	start := instance.ExportedFunction("_start")
	if start == nil {
		return errors.New("it exports no _start: build a program, not a library")
	}
	_, err = start.Call(ctx)
	return trapOr(err)
}

// engineConfig is how wazero runs programs.
func engineConfig(interpreter bool) (wazero.RuntimeConfig, error) {
	if interpreter {
		return wazero.NewRuntimeConfigInterpreter(), nil
	}
	cache, err := openCache()
	if err != nil {
		return nil, err
	}
	return wazero.NewRuntimeConfig().WithCompilationCache(cache), nil
}

// guestConfig is what a program sees of this machine. WASI knows no current
// directory; Go's programs take it from PWD.
func guestConfig(args []string) (wazero.ModuleConfig, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	guest := wazero.NewModuleConfig().
		WithStartFunctions(). // run calls it
		WithArgs(args...).
		WithStdin(os.Stdin).WithStdout(os.Stdout).WithStderr(os.Stderr).
		WithFSConfig(wazero.NewFSConfig().WithDirMount("/", "/")).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().
		WithRandSource(rand.Reader)
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		guest = guest.WithEnv(name, value)
	}
	return guest.WithEnv("PWD", wd), nil
}

// trapError tells that the program trapped, and where.
type trapError struct{ error }

// trapOr makes a trapError of an error that is not the program's exit status.
func trapOr(err error) error {
	var exit *sys.ExitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return trapError{err}
}
