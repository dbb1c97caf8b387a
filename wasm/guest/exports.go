package main

import (
	"unsafe"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// The exports gather their arguments and call what does the work, which recovers.
// Those that a host calls for each message recover themselves, which spares two calls
// of five. docs/wasm-abi.md tells what they do.

//go:wasmexport ws_abi
func wsABI() int32 { return abi.Version }

//go:wasmexport ws_page
func wsPage() uint32 { return uint32(uintptr(unsafe.Pointer(&page))) }

//go:wasmexport ws_buffer
func wsBuffer(size uint32) int32 {
	it.call.a = size
	it.call.h = 0
	return it.onInstance((*instance).grow)
}

//go:wasmexport ws_limits
func wsLimits(conns, memory uint32) int32 {
	it.call.a = conns
	it.call.b = memory
	it.call.h = 0
	return it.onInstance((*instance).limits)
}

//go:wasmexport ws_seed
func wsSeed(ptr, n uint32) int32 {
	it.call.ptr = ptr
	it.call.n = n
	it.call.h = 0
	return it.onInstance((*instance).seed)
}

//go:wasmexport ws_error_text
func wsErrorText(code uint32) int32 {
	it.call.a = code
	it.call.h = 0
	return it.onInstance((*instance).errorText)
}

//go:wasmexport ws_maintain
func wsMaintain() int32 {
	it.call.h = 0
	return it.onInstance((*instance).maintain)
}

//go:wasmexport ws_defaults
func wsDefaults(ptr uint32) int32 {
	it.call.ptr = ptr
	it.call.h = 0
	return it.onInstance((*instance).defaults)
}

//go:wasmexport ws_settings
func wsSettings(ptr, n uint32) int64 {
	it.call.ptr = ptr
	it.call.n = n
	it.call.h = 0
	return it.making((*instance).settings)
}

//go:wasmexport ws_settings_free
func wsSettingsFree(settings uint64) int32 {
	it.call.h = handle(settings)
	return it.onInstance((*instance).freeSettings)
}

//go:wasmexport ws_offers
func wsOffers(settings uint64) int32 {
	it.call.h = handle(settings)
	it.call.ptr = 0
	it.call.n = 0
	return it.onInstance((*instance).offers)
}

//go:wasmexport ws_negotiate
func wsNegotiate(settings uint64, ptr, n uint32) int32 {
	it.call.h = handle(settings)
	it.call.ptr = ptr
	it.call.n = n
	return it.onInstance((*instance).negotiate)
}

//go:wasmexport ws_chosen
func wsChosen(settings uint64, ptr, n uint32) int32 {
	it.call.h = handle(settings)
	it.call.ptr = ptr
	it.call.n = n
	return it.onInstance((*instance).chosen)
}

//go:wasmexport ws_server
func wsServer(settings uint64, now int64) int64 {
	it.call.h = handle(settings)
	it.call.kind = server
	it.call.now = clock.Time(now)
	it.call.ptr = 0
	it.call.n = 0
	return it.making((*instance).birth)
}

//go:wasmexport ws_client
func wsClient(settings uint64, now int64, ptr, n uint32) int64 {
	it.call.h = handle(settings)
	it.call.kind = client
	it.call.now = clock.Time(now)
	it.call.ptr = ptr
	it.call.n = n
	return it.making((*instance).birth)
}

//go:wasmexport ws_open
func wsOpen(settings uint64, now int64, role uint32) int64 {
	return wsOpenCompressed(settings, now, role, 0)
}

//go:wasmexport ws_open_compressed
func wsOpenCompressed(settings uint64, now int64, role, agreed uint32) int64 {
	it.call.h = handle(settings)
	it.call.kind = opened
	it.call.now = clock.Time(now)
	it.call.ptr = 0
	it.call.n = 0
	it.call.a = role
	it.call.agreed = agreed
	return it.making((*instance).birth)
}

//go:wasmexport ws_restore
func wsRestore(settings uint64, ptr, n uint32) int64 {
	it.call.h = handle(settings)
	it.call.kind = restored
	it.call.ptr = ptr
	it.call.n = n
	return it.making((*instance).birth)
}

//go:wasmexport ws_free
func wsFree(conn uint64) int32 {
	it.call.h = handle(conn)
	return it.onInstance((*instance).free)
}

//go:wasmexport ws_recv
func wsRecv(conn uint64, now int64, ptr, n, events, flags uint32) (r int32) {
	r = refused(abi.CodePanic)
	defer rescue()
	x := &it
	c := x.enter(conn)
	if c == nil {
		return x.unknown()
	}
	return x.leave(c, x.recv(c, clock.Time(now), ptr, n, events, flags))
}

//go:wasmexport ws_eof
func wsEOF(conn uint64, now int64, flags uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.flags = flags
	return it.onConn(conn, (*instance).eof)
}

//go:wasmexport ws_lost
func wsLost(conn uint64, now int64) int32 {
	it.call.now = clock.Time(now)
	it.call.flags = 0
	return it.onConn(conn, (*instance).lost)
}

//go:wasmexport ws_tick
func wsTick(conn uint64, now int64, flags uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.flags = flags
	return it.onConn(conn, (*instance).tick)
}

//go:wasmexport ws_reading
func wsReading(conn uint64, now int64, on uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.a = on
	return it.onConn(conn, (*instance).reading)
}

//go:wasmexport ws_read_ahead
func wsReadAhead(conn uint64, now int64, on uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.a = on
	return it.onConn(conn, (*instance).readAhead)
}

//go:wasmexport ws_wrote
func wsWrote(conn uint64, now int64, n uint32) (r int32) {
	r = refused(abi.CodePanic)
	defer rescue()
	x := &it
	c := x.enter(conn)
	if c == nil {
		return x.unknown()
	}
	c.Wrote(clock.Time(now), int(n))
	return x.leave(c, 0)
}

//go:wasmexport ws_output
func wsOutput(conn uint64) int32 {
	return it.onConn(conn, (*instance).output)
}

//go:wasmexport ws_send
func wsSend(conn uint64, op, flags, ptr, n uint32) (r int32) {
	r = refused(abi.CodePanic)
	defer rescue()
	x := &it
	c := x.enter(conn)
	if c == nil {
		return x.unknown()
	}
	return x.leave(c, x.send(c, op, flags, ptr, n))
}

//go:wasmexport ws_send_compressed
func wsSendCompressed(conn uint64, op, ptr, n, compressed, size uint32) int32 {
	it.call.flags = op
	it.call.ptr = ptr
	it.call.n = n
	it.call.a = compressed
	it.call.b = size
	return it.onConn(conn, (*instance).sendCompressed)
}

//go:wasmexport ws_send_records
func wsSendRecords(conn uint64, n uint32) int32 {
	it.call.a = n
	return it.onConn(conn, (*instance).sendRecords)
}

//go:wasmexport ws_header
func wsHeader(conn uint64, op, flags, n uint32) int32 {
	it.call.a = op
	it.call.b = n
	it.call.flags = flags
	return it.onConn(conn, (*instance).header)
}

//go:wasmexport ws_ping
func wsPing(conn uint64, ptr, n uint32) int32 {
	it.call.ptr = ptr
	it.call.n = n
	return it.onConn(conn, (*instance).ping)
}

//go:wasmexport ws_pong
func wsPong(conn uint64, ptr, n uint32) int32 {
	it.call.ptr = ptr
	it.call.n = n
	return it.onConn(conn, (*instance).pong)
}

//go:wasmexport ws_close
func wsClose(conn uint64, now int64, code, ptr, n uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.ptr = ptr
	it.call.n = n
	it.call.a = code
	return it.onConn(conn, (*instance).close)
}

//go:wasmexport ws_request
func wsRequest(conn uint64) int32 {
	return it.onConn(conn, (*instance).request)
}

//go:wasmexport ws_response
func wsResponse(conn uint64) int32 {
	return it.onConn(conn, (*instance).response)
}

//go:wasmexport ws_compression
func wsCompression(conn uint64) int32 {
	return it.onConn(conn, (*instance).compression)
}

//go:wasmexport ws_accept
func wsAccept(conn uint64, now int64, ptr, n uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.ptr = ptr
	it.call.n = n
	return it.onConn(conn, (*instance).accept)
}

//go:wasmexport ws_reject
func wsReject(conn uint64, now int64, ptr, n uint32) int32 {
	it.call.now = clock.Time(now)
	it.call.ptr = ptr
	it.call.n = n
	return it.onConn(conn, (*instance).reject)
}

//go:wasmexport ws_status
func wsStatus(conn uint64) int32 {
	return it.onConn(conn, (*instance).status)
}

//go:wasmexport ws_state
func wsState(conn uint64) int32 {
	return it.onConn(conn, (*instance).state)
}

//go:wasmexport ws_snapshot
func wsSnapshot(conn uint64) int32 {
	return it.onConn(conn, (*instance).snapshot)
}
