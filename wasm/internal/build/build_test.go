package build

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

func guest(t *testing.T) []byte {
	t.Helper()
	module, err := Guest(".")
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// A host has to bring what docs/wasm-abi.md promises: ten functions of WASI.
func TestImports(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	compiled, err := r.CompileModule(ctx, guest(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		got = append(got, module+"."+name)
	}
	const wasi = "wasi_snapshot_preview1."
	want := []string{
		wasi + "args_get", wasi + "args_sizes_get", wasi + "clock_time_get", wasi + "environ_get", wasi + "environ_sizes_get",
		wasi + "fd_write", wasi + "poll_oneoff", wasi + "proc_exit", wasi + "random_get", wasi + "sched_yield",
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the module imports\n%q, want\n%q", got, want)
	}
}

func TestOverlayTellsThatItCannotBeWritten(t *testing.T) {
	if _, err := writeOverlay(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("an overlay was written into a directory that is not there")
	}
}

func TestGuestTellsWhyItCannotBeBuilt(t *testing.T) {
	if _, err := Guest(t.TempDir()); err == nil {
		t.Error("the guest was built outside of its module")
	}
}

// A program of Go does the same after its functions were rewritten.
func TestProgramStaysTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hard.wasm")
	cmd := exec.Command("go", "build", "-o", file, "./testdata/hard")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWASM=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	plain, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	threaded, err := thread(plain)
	if err != nil {
		t.Fatal(err)
	}
	if len(threaded) >= len(plain) {
		t.Errorf("%d bytes became %d", len(plain), len(threaded))
	}
	want, got := runProgram(t, plain), runProgram(t, threaded)
	if want == "" || got != want {
		t.Errorf("it prints\n%s, want\n%s", got, want)
	}
	again, err := thread(threaded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, threaded) {
		t.Error("what was rewritten was rewritten again")
	}
}

func runProgram(t *testing.T, module []byte) string {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithStdout(&out).WithStderr(&out)
	if _, err := r.InstantiateWithConfig(ctx, module, config); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	return out.String()
}
