package wasm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// Options say how a [Host] runs the module. The zero Options are ready; a nil
// *Options means the same.
type Options struct {
	// Instances is how many instances there are at most. One is called by one
	// goroutine at a time, so there should be about as many as there are
	// processors. They are made when they are needed. Default:
	// runtime.GOMAXPROCS; at most 4,096.
	Instances int

	// Connections is how many connections an instance has at most. Default
	// 16,384; at most 1,048,576.
	Connections int

	// HandshakeMemory bounds, in bytes, what an instance holds besides open
	// connections. Half of it is for handshakes that are under way and for what
	// compression keeps, which fail beyond it with [ErrFull]; a quarter each is for
	// the longest payload that goes in and the longest output of a call, beyond
	// which messages fail with [ErrTooLong]: the longest that surely fits is an
	// eighth. Default 32 MiB; from 1 MiB to 512 MiB.
	//
	// With compression a connection counts for its windows, 4 KiB for each
	// direction with context takeover by default, and for 8 KiB more while a
	// compressed message comes in, or 12 KiB without takeover. The default is enough
	// for 1,536 connections with both windows, of which 512 may have a message coming
	// in at a time; one more that begins one then fails, with [ErrFull].
	HandshakeMemory int64

	// Interpreter runs the module in an interpreter, some 50 times slower than
	// compiled: where there is no compiler, that is what happens anyway.
	Interpreter bool

	// CacheDir is a directory in which compiled code is kept from one process to
	// the next; compiling takes half a second, reading it 30 ms. Default: none.
	CacheDir string

	// Module is the WebAssembly module. Default: [Module].
	Module []byte
}

// mostInstances is more than anybody has processors.
const mostInstances = 4096

func (o Options) withDefaults() (Options, error) {
	o.Instances = cmp.Or(o.Instances, runtime.GOMAXPROCS(0))
	o.Connections = cmp.Or(o.Connections, 16<<10)
	o.HandshakeMemory = cmp.Or(o.HandshakeMemory, abi.DefaultMemory)
	switch {
	case o.Instances < 1 || o.Instances > mostInstances:
		return o, fmt.Errorf("wasm: Options.Instances is %d: it must be from 1 to %d, or 0 for one a processor", o.Instances, mostInstances)
	case o.Connections < 1 || o.Connections > abi.MostConns:
		return o, fmt.Errorf("wasm: Options.Connections is %d: it must be from 1 to %d, or 0 for 16,384", o.Connections, abi.MostConns)
	case o.HandshakeMemory < 1<<20 || o.HandshakeMemory > 512<<20:
		return o, fmt.Errorf("wasm: Options.HandshakeMemory is %d bytes: it must be from 1 MiB to 512 MiB, or 0 for 32 MiB", o.HandshakeMemory)
	}
	return o, nil
}

// pages is the ceiling of an instance's memory: enough for all that the other
// limits allow, so that it is never reached. What instances lend their connections to
// compress with is in the 24 MiB.
func (o Options) pages() uint32 {
	const page = 64 << 10
	n := 24<<20 + int64(o.Connections)<<10 + 3*o.HandshakeMemory
	return uint32((n + page - 1) / page)
}

// A Host runs instances of the module. Its methods may be called from any
// goroutine.
type Host struct {
	options  Options
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule

	mu        sync.Mutex
	instances []*instance
	closed    bool
	closing   sync.Once
	closeErr  error
	ending    sync.WaitGroup // instances that died and are being closed
}

// NewHost compiles the module, and makes the first instance. If ctx has ended by
// then, that is the error.
func NewHost(ctx context.Context, o *Options) (*Host, error) {
	if o == nil {
		o = &Options{}
	}
	full, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Host{options: full}
	if err := h.compile(ctx); err != nil {
		return nil, errors.Join(err, h.Close(context.WithoutCancel(ctx)))
	}
	return h, nil
}

func (h *Host) compile(ctx context.Context) (err error) {
	h.cache = wazero.NewCompilationCache()
	if dir := h.options.CacheDir; dir != "" {
		if h.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return fmt.Errorf("wasm: Options.CacheDir: %w", err)
		}
	}
	config := wazero.NewRuntimeConfig()
	if h.options.Interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.WithCompilationCache(h.cache).WithMemoryLimitPages(h.options.pages())
	h.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, h.runtime); err != nil {
		return err
	}
	module := h.options.Module
	if module == nil {
		module = Module()
	}
	if h.compiled, err = h.runtime.CompileModule(ctx, module); err != nil {
		return fmt.Errorf("wasm: the module cannot be compiled: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	x, err := h.newInstance(ctx)
	if err != nil {
		return err
	}
	h.instances = append(h.instances, x)
	return nil
}

// Close ends all connections at once, with [ErrClosed] and without close frames, and
// frees what they took: shut servers down before. It waits for calls that are under
// way, and for the function of a [Conn.Batch].
func (h *Host) Close(ctx context.Context) error {
	h.closing.Do(func() { h.closeErr = h.close(ctx) })
	return h.closeErr
}

func (h *Host) close(ctx context.Context) error {
	h.mu.Lock()
	instances := h.instances
	h.instances, h.closed = nil, true
	h.mu.Unlock()
	for _, x := range instances {
		x.mu.Lock()
		x.die(ErrClosed)
		x.mu.Unlock()
	}
	h.ending.Wait()
	var err error
	if h.runtime != nil {
		err = h.runtime.Close(ctx)
	}
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(ctx))
	}
	return err
}

// Machine makes the core of a connection: a *[Conn]. It is what
// websockets.Options.Machine and flight.Birth.Make want. The Conn must be
// released; a driver does that.
func (h *Host) Machine(b flight.Birth) (transport.Machine, error) {
	c, err := h.NewConn(b)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// NewConn is [Host.Machine] for those who drive the Conn themselves. b.Make is
// ignored. The error is that of package core, or [ErrFull], [ErrClosed] or a
// *[TrapError].
func (h *Host) NewConn(b flight.Birth) (*Conn, error) {
	if b.Settings == nil {
		return nil, errors.New("wasm: flight.Birth.Settings is nil")
	}
	config := b.Settings.Config()
	if b.Role == core.Client && config.Entropy == nil {
		_, err := core.NewOpen(b.Settings, b.Now, b.Role) // says so
		return nil, err
	}
	var c *Conn
	err := h.place(func(x *instance) (err error) {
		c, err = x.bear(b, config)
		return err
	})
	return c, err
}

// place has f make a connection in an instance that has room for it: that with the
// fewest connections, or a new one, or another.
func (h *Host) place(f func(*instance) error) error {
	candidates, err := h.choose()
	if err != nil {
		return err
	}
	for _, x := range candidates {
		if err = f(x); err == nil || err != ErrFull && !x.isDead() {
			return err
		}
	}
	if _, trapped := errors.AsType[*TrapError](err); !trapped {
		return err
	}
	if candidates, err = h.choose(); err != nil { // in place of those that died meanwhile
		return err
	}
	return f(candidates[0])
}

// choose returns the instances in the order in which they are to be tried.
func (h *Host) choose() ([]*instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	h.instances = slices.DeleteFunc(h.instances, (*instance).isDead)
	idle := slices.ContainsFunc(h.instances, func(x *instance) bool { return x.count.Load() == 0 })
	if len(h.instances) < h.options.Instances && !idle {
		x, err := h.newInstance(context.Background())
		if err != nil {
			return nil, err
		}
		h.instances = append(h.instances, x)
	}
	list := slices.Clone(h.instances)
	slices.SortStableFunc(list, func(a, b *instance) int { return cmp.Compare(a.count.Load(), b.count.Load()) })
	return list, nil
}

// Stats tells of the instances of a [Host].
type Stats struct {
	Instances   int   // that there are
	Connections int   // in all of them
	Memory      int64 // bytes of linear memory, in all of them; it never shrinks
}

// Stats returns what there is now.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	var s Stats
	for _, x := range h.instances {
		if x.isDead() {
			continue
		}
		s.Instances++
		s.Connections += int(x.count.Load())
		s.Memory += x.size.Load()
	}
	return s
}

// Maintain collects the garbage of all instances, which handshakes and
// connections that are gone leave. That happens by itself when there is much of
// it; a process that knows when it is idle may choose the moment. It takes a few
// milliseconds an instance.
func (h *Host) Maintain() {
	h.mu.Lock()
	instances := append([]*instance(nil), h.instances...)
	h.mu.Unlock()
	for _, x := range instances {
		x.maintain()
	}
}
