package wasm

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// An instance is the module with a memory of its own, and the connections in it.
type instance struct {
	host  *Host
	count atomic.Int64 // connections
	size  atomic.Int64 // bytes of memory
	dead  atomic.Bool

	mu     sync.Mutex // the module is called by one at a time
	module api.Module
	memory api.Memory
	mem    []byte // all of it
	calls  [functions]api.Function
	stack  [8]uint64

	page   uint32 // address
	buffer uint32 // address
	length uint32 // of the buffer

	input    input
	batch    *Batch
	settings map[abi.Settings]uint64
	conns    list
	died     error
	cleaning bool
}

// The functions of the module that this host calls.
const (
	fnABI = iota
	fnPage
	fnBuffer
	fnLimits
	fnSettings
	fnSettingsFree
	fnServer
	fnClient
	fnOpen
	fnOpenCompressed
	fnRestore
	fnFree
	fnRecv
	fnEOF
	fnLost
	fnTick
	fnReading
	fnReadAhead
	fnWrote
	fnOutput
	fnSend
	fnSendCompressed
	fnSendRecords
	fnHeader
	fnPing
	fnPong
	fnClose
	fnRequest
	fnResponse
	fnCompression
	fnAccept
	fnReject
	fnStatus
	fnState
	fnSnapshot
	fnMaintain

	functions
)

var names = [functions]string{
	fnABI:            "ws_abi",
	fnPage:           "ws_page",
	fnBuffer:         "ws_buffer",
	fnLimits:         "ws_limits",
	fnSettings:       "ws_settings",
	fnSettingsFree:   "ws_settings_free",
	fnServer:         "ws_server",
	fnClient:         "ws_client",
	fnOpen:           "ws_open",
	fnOpenCompressed: "ws_open_compressed",
	fnRestore:        "ws_restore",
	fnFree:           "ws_free",
	fnRecv:           "ws_recv",
	fnEOF:            "ws_eof",
	fnLost:           "ws_lost",
	fnTick:           "ws_tick",
	fnReading:        "ws_reading",
	fnReadAhead:      "ws_read_ahead",
	fnWrote:          "ws_wrote",
	fnOutput:         "ws_output",
	fnSend:           "ws_send",
	fnSendCompressed: "ws_send_compressed",
	fnSendRecords:    "ws_send_records",
	fnHeader:         "ws_header",
	fnPing:           "ws_ping",
	fnPong:           "ws_pong",
	fnClose:          "ws_close",
	fnRequest:        "ws_request",
	fnResponse:       "ws_response",
	fnCompression:    "ws_compression",
	fnAccept:         "ws_accept",
	fnReject:         "ws_reject",
	fnStatus:         "ws_status",
	fnState:          "ws_state",
	fnSnapshot:       "ws_snapshot",
	fnMaintain:       "ws_maintain",
}

// firstBuffer is the size of the buffer to begin with.
const firstBuffer = 64 << 10

func (h *Host) newInstance(ctx context.Context) (*instance, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize")
	module, err := h.runtime.InstantiateModule(ctx, h.compiled, config)
	if err != nil {
		return nil, fmt.Errorf("wasm: no instance of the module can be made: %w", err)
	}
	x := &instance{host: h, module: module, memory: module.Memory(), settings: make(map[abi.Settings]uint64)}
	if err := x.begin(h.options); err != nil {
		module.Close(ctx)
		return nil, err
	}
	return x, nil
}

// begin finds the functions and the memory of the module.
func (x *instance) begin(o Options) error {
	for i, name := range names {
		if x.calls[i] = x.module.ExportedFunction(name); x.calls[i] == nil {
			return fmt.Errorf("wasm: the module has no function %s", name)
		}
	}
	if version := x.call32(fnABI); version != abi.Version && x.died == nil {
		return fmt.Errorf("wasm: the module has version %d of the ABI: this host knows version %d", version, abi.Version)
	}
	x.page = uint32(x.call32(fnPage))
	limited := x.call32(fnLimits, uint64(o.Connections), uint64(o.HandshakeMemory)) == 0
	switch {
	case x.died != nil:
		return x.died
	case !limited || uint64(x.page)+abi.PageSize > uint64(len(x.mem)):
		return errBroken
	case !x.needs(firstBuffer):
		return ErrFull
	}
	return x.died
}

// call calls a function of the module. If it traps the instance is dead, and the
// result is an error code. The caller has x.mu.
func (x *instance) call(fn int, args ...uint64) int64 {
	if x.died != nil {
		return -int64(abi.CodePanic)
	}
	copy(x.stack[:], args)
	if err := x.calls[fn].CallWithStack(context.Background(), x.stack[:]); err != nil {
		x.die(&TrapError{names[fn], err})
		return -int64(abi.CodePanic)
	}
	if n := x.memory.Size(); n != uint32(len(x.mem)) {
		x.mem, _ = x.memory.Read(0, n)
		x.size.Store(int64(n))
	}
	return int64(x.stack[0])
}

// call32 is call for a function that returns 32 bits.
func (x *instance) call32(fn int, args ...uint64) int32 { return int32(x.call(fn, args...)) }

// die ends all connections because of err. The caller has x.mu.
func (x *instance) die(err error) {
	if x.died != nil {
		return
	}
	x.died = err
	x.dead.Store(true)
	var told []func()
	for c := range x.conns.all {
		c.end(err)
		if c.onFailure != nil {
			told = append(told, c.onFailure)
			c.onFailure = nil
		}
	}
	for _, f := range told {
		go f()
	}
	x.host.ending.Go(func() { x.module.Close(context.Background()) })
}

func (x *instance) isDead() bool { return x.dead.Load() }

// needs makes the buffer at least n bytes long, and reports whether it is.
func (x *instance) needs(n int) bool {
	if n <= int(x.length) {
		return x.died == nil
	}
	if n > abi.MostMemory {
		return false
	}
	at := x.call32(fnBuffer, uint64(n))
	switch {
	case at < 0:
		return false
	case uint64(at)+uint64(n) > uint64(len(x.mem)):
		x.die(errBroken)
		return false
	}
	x.buffer, x.length = uint32(at), uint32(n)
	return true
}

// An input is what of a connection's input lies in the buffer, from the beginning
// on, so that it need not be copied anew for each event in it.
type input struct {
	conn *Conn
	at   uintptr // where in the caller's memory the rest of it begins
	off  int     // in the buffer
	end  int
}

// portion returns how much of in is presented next: what is there of it still, or as
// much as goes into a call.
func (x *instance) portion(c *Conn, in []byte) int {
	p := &x.input
	if left := p.end - p.off; left > 0 && left <= len(in) && p.conn == c && p.at == uintptr(unsafe.Pointer(unsafe.SliceData(in))) {
		return left
	}
	return min(len(in), mostInput)
}

// present makes in the connection's input and returns where in the buffer it
// begins; it reports false if it does not fit.
func (x *instance) present(c *Conn, in []byte) (off int, ok bool) {
	if len(in) == 0 {
		return 0, true
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(in)))
	if p := &x.input; p.conn == c && p.at == at && p.end-p.off == len(in) {
		return p.off, true
	}
	if !x.needs(len(in)) {
		return 0, false
	}
	copy(x.mem[x.buffer:], in)
	x.input = input{conn: c, at: at, end: len(in)}
	return 0, true
}

// took notes that the connection has consumed n bytes of its input.
func (x *instance) took(n int) {
	x.input.off += n
	x.input.at += uintptr(n)
}

// put copies p into the buffer, behind the input that is there, and returns its
// address.
func (x *instance) put(p []byte) (ptr uint64, ok bool) { return x.putBoth(p, nil) }

// putBoth is put for two ranges, of which the second lies behind the first.
func (x *instance) putBoth(p, q []byte) (ptr uint64, ok bool) {
	if x.input.off == x.input.end {
		x.input = input{}
	}
	off := x.input.end
	if !x.needs(off + len(p) + len(q)) {
		return 0, false
	}
	copy(x.mem[int(x.buffer)+off:], p)
	copy(x.mem[int(x.buffer)+off+len(p):], q)
	return uint64(x.buffer) + uint64(off), true
}

// at returns a part of the page.
func (x *instance) at(off, n int) []byte {
	from := int(x.page) + off
	return x.mem[from : from+n]
}

// output returns what the latest call has put out; it is valid until the next.
func (x *instance) output() []byte { return x.named(x.at(abi.StatusOutput, 8)) }

// named returns the range that an address and a length in the page name. A module
// that names none in its memory is broken.
func (x *instance) named(p []byte) []byte {
	ptr, n := uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[4:]))
	if ptr+n > uint64(len(x.mem)) {
		x.die(errBroken)
		return nil
	}
	return x.mem[ptr : ptr+n]
}

// mostSettings is how many settings are remembered.
const mostSettings = 256

// settingsOf returns the handle of settings that equal c.
func (x *instance) settingsOf(c core.Config) (uint64, error) {
	record := abi.SettingsOf(c)
	if handle, ok := x.settings[record]; ok {
		return handle, nil
	}
	if len(x.settings) >= mostSettings {
		for _, old := range x.settings {
			x.call(fnSettingsFree, old)
		}
		clear(x.settings)
	}
	ptr, n, err := x.putRecord(record.Record())
	if err != nil {
		return 0, ErrFull
	}
	handle := x.call(fnSettings, ptr, n)
	if x.died != nil {
		return 0, x.died
	}
	if handle < 0 {
		return 0, fmt.Errorf("wasm: the module refuses the settings: %s", x.output())
	}
	x.settings[record] = uint64(handle)
	return uint64(handle), nil
}

// soonGarbage is how much garbage is collected in the background, before the
// module has to do it within a call.
const soonGarbage = 2 << 20

// tidy has garbage collected if there is much of it. The caller has x.mu.
func (x *instance) tidy() {
	if x.died != nil || x.cleaning || binary.LittleEndian.Uint32(x.at(abi.StatusGarbage, 4)) < soonGarbage {
		return
	}
	x.cleaning = true
	go x.maintain()
}

func (x *instance) maintain() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cleaning = false
	x.call(fnMaintain)
}
