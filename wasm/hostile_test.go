package wasm

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

var hostileCalls = flag.Int("hostile", 300_000, "how many calls TestHostileHost makes")

// A hostile host: calls of any function, in any order, with arguments that are
// random, or nearly right. None of them traps, and the module goes on to work.
func TestHostileHost(t *testing.T) {
	h := newHost(t, Options{Instances: 1, Connections: 500, HandshakeMemory: 4 << 20})
	x := h.instances[0]
	a := newAttacker(x)
	codes := make(map[int64]int)
	for i := range *hostileCalls {
		fn := a.rnd.IntN(functions)
		if rare := fn == fnSettingsFree || fn == fnLimits || fn == fnMaintain; rare && i%32 != 0 || fn == fnFree && i%8 != 0 {
			continue
		}
		if i%64 == 0 {
			a.askOfExtensions(t)
		}
		args := a.arguments(fn)
		r := x.call(fn, args...)
		if x.died != nil {
			t.Fatalf("call %d: %s%v: %v", i, names[fn], args, x.died)
		}
		if api.ValueTypeI32 == x.calls[fn].Definition().ResultTypes()[0] {
			r = int64(int32(r))
		}
		a.learn(fn, args, r)
		codes[min(r, 0)]++
	}
	for _, code := range []abi.Code{0, abi.CodeHandle, abi.CodeRange, abi.CodeArgument, abi.CodeEntropy, abi.CodeLimit, abi.CodeSettings, abi.CodeRecord, abi.CodeSnapshot} {
		if codes[-int64(code)] == 0 {
			t.Errorf("no call ended with code %d", code)
		}
	}
	if n := codes[-int64(abi.CodePanic)]; n > 0 {
		t.Errorf("%d calls met a mistake of the module", n)
	}
	t.Logf("%d KiB of memory after %d calls; results: %v", len(x.mem)>>10, *hostileCalls, codes)
	if limit := int(h.options.pages()) << 16; len(x.mem) > limit {
		t.Errorf("%d bytes of memory, want at most %d", len(x.mem), limit)
	}
}

// An attacker makes up arguments, out of what calls returned.
type attacker struct {
	x        *instance
	rnd      *rand.Rand
	settings []uint64
	conns    []uint64
}

func newAttacker(x *instance) *attacker {
	return &attacker{x: x, rnd: rand.New(rand.NewPCG(1, 2))}
}

// learn keeps handles that calls return, the latest, and forgets most of those that
// were freed.
func (a *attacker) learn(fn int, args []uint64, r int64) {
	switch fn {
	case fnBuffer:
		if r > 0 {
			a.x.buffer = uint32(r)
		}
	case fnFree, fnSettingsFree:
		if r == 0 && a.rnd.IntN(8) > 0 {
			freed := func(h uint64) bool { return h == args[0] }
			a.conns, a.settings = slices.DeleteFunc(a.conns, freed), slices.DeleteFunc(a.settings, freed)
		}
	case fnSettings:
		if r > 0 {
			a.settings = append(a.settings, uint64(r))
		}
	case fnServer, fnClient, fnOpen, fnOpenCompressed, fnRestore:
		if r > 0 {
			a.conns = append(a.conns, uint64(r))
		}
	case fnSnapshot: // put back, now and then, for ws_restore
		if r > 0 && a.rnd.IntN(2) == 0 {
			copy(a.x.mem[a.x.buffer:], a.x.output())
		}
	}
	a.settings = a.settings[max(0, len(a.settings)-20):]
	a.conns = a.conns[max(0, len(a.conns)-500):]
}

func (a *attacker) arguments(fn int) []uint64 {
	a.scribble()
	args := make([]uint64, len(a.x.calls[fn].Definition().ParamTypes()))
	for i, kind := range a.x.calls[fn].Definition().ParamTypes() {
		args[i] = a.number()
		if kind == api.ValueTypeI32 {
			args[i] = uint64(uint32(args[i]))
		}
	}
	if a.rnd.IntN(20) == 0 || len(args) == 0 {
		return args
	}
	switch fn {
	case fnSettingsFree, fnServer, fnClient, fnOpen, fnOpenCompressed, fnRestore:
		args[0] = a.pick(a.settings)
	case fnBuffer, fnLimits, fnSettings:
	default:
		args[0] = a.pick(a.conns)
	}
	if ptr := pointerOf(fn); ptr >= 0 && a.rnd.IntN(10) > 0 {
		n := uint64(a.rnd.IntN(400))
		if fn == fnSettings {
			n = a.fillSettings()
		}
		args[ptr], args[ptr+1] = uint64(a.x.buffer), n
	}
	switch fn {
	case fnRecv:
		args[4], args[5] = 1+uint64(a.rnd.IntN(abi.Records)), uint64(a.rnd.IntN(2)|a.rnd.IntN(2)*a.rnd.IntN(1000)<<abi.RoomShift)
		if len(a.conns) > 0 && a.rnd.IntN(2) == 0 {
			newest := a.conns[max(0, len(a.conns)-20):]
			args[0], args[2], args[3] = newest[a.rnd.IntN(len(newest))], uint64(a.x.buffer), uint64(a.scribbleCompressed())
		}
	case fnOpenCompressed:
		p := deflate.Params{SendBits: 8 + uint8(a.rnd.IntN(8)), ReceiveBits: 8 + uint8(a.rnd.IntN(8)), SendTakeover: a.rnd.IntN(2) == 0, ReceiveTakeover: a.rnd.IntN(2) == 0}
		args[2], args[3] = uint64(a.rnd.IntN(3)), uint64(abi.AgreementOf(&p))
	case fnSendCompressed:
		args[1], args[4], args[5] = uint64(a.rnd.IntN(4)), uint64(a.x.buffer)+uint64(a.rnd.IntN(300)), uint64(a.rnd.IntN(300))
	case fnSend, fnHeader:
		args[1], args[2] = uint64(a.rnd.IntN(4)), uint64(a.rnd.IntN(4))
	case fnBuffer:
		args[0] = uint64(a.rnd.IntN(1 << 22))
	case fnLimits:
		args[0], args[1] = 1+uint64(a.rnd.IntN(500)), uint64(a.rnd.IntN(8<<20))
	case fnSendRecords, fnEOF, fnTick, fnReading, fnReadAhead, fnOpen:
		args[len(args)-1] = uint64(a.rnd.IntN(3))
	}
	return args
}

// pointerOf returns which argument of a function is an address, with its length
// behind it; -1 for none.
func pointerOf(fn int) int {
	switch fn {
	case fnSettings:
		return 0
	case fnRestore, fnPing, fnPong:
		return 1
	case fnClient, fnRecv, fnAccept, fnReject, fnSendCompressed:
		return 2
	case fnSend, fnClose:
		return 3
	}
	return -1
}

func (a *attacker) pick(list []uint64) uint64 {
	if len(list) == 0 || a.rnd.IntN(30) == 0 {
		return a.number()
	}
	h := list[a.rnd.IntN(len(list))]
	if a.rnd.IntN(30) == 0 {
		h += 1 << (a.rnd.IntN(2) * 32) // the next one, or the next generation
	}
	return h
}

func (a *attacker) number() uint64 {
	switch a.rnd.IntN(6) {
	case 0:
		return a.rnd.Uint64()
	case 1:
		return uint64(int64(a.rnd.IntN(3)) - 1)
	case 2:
		return uint64(a.x.buffer) + uint64(a.rnd.IntN(200)) - 100
	case 3:
		return 1<<31 - 1 + uint64(a.rnd.IntN(3))
	}
	return uint64(a.rnd.IntN(1 << 20))
}

// scribble writes, now and then, to what the host may write: the buffer, the
// records and the words of entropy. At times it is a request, a frame or a record.
func (a *attacker) scribble() {
	if a.rnd.IntN(2) > 0 {
		return
	}
	buffer := a.x.mem[a.x.buffer:][:512]
	switch a.rnd.IntN(9) {
	case 0:
		for i := range buffer {
			buffer[i] = byte(a.rnd.Uint32())
		}
	case 1:
		copy(buffer, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	case 2:
		copy(buffer, "\x81\x82\x01\x02\x03\x04\x30\x33\x89\x80\x01\x02\x03\x04\x88\x80\x01\x02\x03\x04")
	case 3:
		clear(buffer[:64])
	case 4:
		copy(buffer, abi.AppendString(abi.AppendString(nil, "host"), "/")) // of a client, and zeros
		clear(buffer[13:64])
	case 5:
		a.scribbleWords()
	case 6:
		records := a.x.at(abi.RecordsAt, abi.Records*abi.RecordSize)
		i := a.rnd.IntN(len(records) - 4)
		abi.PutUint32(records[i:], uint32(a.number()))
	case 7:
		buffer[a.rnd.IntN(len(buffer))] ^= 1 << a.rnd.IntN(8)
	case 8:
		copy(buffer, "permessage-deflate; client_max_window_bits, permessage-deflate")
	}
}

// scribbleCompressed writes compressed frames, of a server or of a client, and at times
// not all of the last one, and returns how many bytes they are.
func (a *attacker) scribbleCompressed() (n int) {
	buffer := a.x.mem[a.x.buffer:][:a.x.length]
	if a.rnd.IntN(2) == 0 {
		n = copy(buffer, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00")
	} else {
		n = copy(buffer, deflated(frame.Binary, make([]byte, a.rnd.IntN(1<<a.rnd.IntN(20)))))
	}
	if a.rnd.IntN(4) == 0 {
		n = a.rnd.IntN(n)
	}
	if a.rnd.IntN(8) == 0 {
		buffer[a.rnd.IntN(n+1)] ^= 1 << a.rnd.IntN(8)
	}
	return n
}

// askOfExtensions calls one of the functions for handshakes that are done elsewhere.
func (a *attacker) askOfExtensions(t *testing.T) {
	name := [...]string{"ws_offers", "ws_negotiate", "ws_chosen"}[a.rnd.IntN(3)]
	f := a.x.module.ExportedFunction(name)
	args := []uint64{a.pick(a.settings), uint64(a.x.buffer), uint64(a.rnd.IntN(100))}
	if _, err := f.Call(t.Context(), args[:len(f.Definition().ParamTypes())]...); err != nil {
		t.Fatalf("%s%v: %v", name, args, err)
	}
}

func (a *attacker) scribbleWords() {
	bounds := a.x.at(abi.EntropyAt, 8)
	abi.PutUint32(bounds, uint32(a.number()))
	abi.PutUint32(bounds[4:], uint32(a.number()))
	if a.rnd.IntN(2) == 0 {
		abi.PutUint32(bounds, 0)
		abi.PutUint32(bounds[4:], uint32(a.rnd.IntN(abi.Words)))
	}
}

// fillSettings writes a settings record that is nearly right, and returns its size.
func (a *attacker) fillSettings() uint64 {
	size := [...]uint32{abi.SettingsSize, abi.CompressedSize}[a.rnd.IntN(2)]
	p := a.x.mem[a.x.buffer:][:size]
	clear(p)
	abi.PutUint32(p, size)
	if size == abi.CompressedSize {
		for i, v := range [...]int{8 + a.rnd.IntN(8), 8 + a.rnd.IntN(8), a.rnd.IntN(4), 1 + a.rnd.IntN(9), a.rnd.IntN(100)} {
			abi.PutUint32(p[88+4*i:], uint32(v))
		}
	}
	abi.PutUint32(p[4:], uint32(a.rnd.IntN(3)))
	for i := 8; i < 80; i += 8 {
		abi.PutUint64(p[i:], uint64(a.rnd.IntN(1<<30))*uint64(a.rnd.IntN(3)))
	}
	abi.PutUint32(p[80:], 1000)
	abi.PutUint32(p[84:], 100)
	if a.rnd.IntN(4) == 0 {
		p[a.rnd.IntN(len(p))] = 0xFF
	}
	return uint64(size)
}
