//go:build profile

package main

import (
	"os"
	"runtime/pprof"

	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// With the build tag profile the guest is a program that does natively what hosts
// do most, and writes a profile of it: default.pgo, by which the compiler decides
// what to inline.
//
//	go run -tags profile ./wasm/guest >wasm/guest/default.pgo
func init() {
	if err := pprof.StartCPUProfile(os.Stdout); err != nil {
		panic(err)
	}
	buffer := uint32(wsBuffer(64 << 10))
	wsDefaults(buffer)
	settings := uint64(wsSettings(buffer, abi.SettingsSize))
	for _, op := range []frame.Opcode{frame.Binary, frame.Text} {
		for _, size := range []int{16, 128, 1 << 10} {
			echo(settings, buffer, op, size)
		}
	}
	pprof.StopCPUProfile()
}

// echo sends messages back, one a call and then sixteen.
func echo(settings uint64, buffer uint32, op frame.Opcode, size int) {
	c := uint64(wsOpen(settings, 0, 0))
	h := frame.Header{Fin: true, Opcode: op, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}
	one := frame.AppendFrame(nil, h, make([]byte, size))
	n := uint32(len(one))
	for range 2_000_000 {
		copy(it.buffer, one)
		wsRecv(c, 1, buffer, n, 1, 0)
		r := &page.records[0]
		wsSend(c, uint32(r.Op), uint32(r.Flags), r.Addr, r.Len)
		wsWrote(c, 1, page.status.length)
	}
	const many = 16
	for range 500_000 {
		for i := range many {
			copy(it.buffer[i*int(n):], one)
		}
		wsRecv(c, 1, buffer, many*n, many, 0)
		wsSendRecords(c, many)
		wsWrote(c, 1, page.status.length)
	}
	wsFree(c)
}
