package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

const (
	mostSettings = 1 << 12 // about a MiB, with their table
	settingsSize = 256     // about what they take
)

// settings makes settings of a record.
func (x *instance) settings() int64 {
	x.tidy()
	if len(x.table.places)-len(x.table.free)-x.conns >= mostSettings {
		return int64(refused(abi.CodeLimit))
	}
	p, ok := x.lent(x.call.ptr, x.call.n)
	if !ok {
		return int64(refused(abi.CodeRange))
	}
	c, field := abi.ParseSettings(p)
	if field != "" {
		return x.refuseSettings(field, "is out of range")
	}
	c.Entropy = draw
	if c.Compression != nil {
		c.Compression.Lend = &x.lender
	}
	s, err := core.NewSettings(c)
	if e, ok := err.(*core.ConfigError); ok {
		return x.refuseSettings(e.Field, e.Reason)
	}
	if c.Compression != nil {
		x.makePlain()
	}
	at, h := x.table.add()
	at.set, at.room, at.kept = s, uint32(c.MaxHeadBytes), keepsAtMost(c.Compression)
	return int64(h)
}

//go:noinline
func (x *instance) refuseSettings(field, reason string) int64 {
	x.waste(settingsSize)
	x.out = append(append(append(x.out, field...), ' '), reason...)
	return int64(refused(abi.CodeSettings))
}

func (x *instance) freeSettings() int32 {
	if x.table.settings(x.call.h) == nil {
		return refused(abi.CodeHandle)
	}
	x.table.remove(x.call.h)
	x.waste(settingsSize)
	return 0
}

// defaults writes the record of the default settings.
func (x *instance) defaults() int32 {
	p, ok := x.lent(x.call.ptr, abi.SettingsSize)
	if !ok {
		return refused(abi.CodeRange)
	}
	s, _ := core.NewSettings(core.Config{})
	record := abi.SettingsOf(s.Config())
	x.waste(settingsSize)
	return int32(copy(p, record[:]))
}
