package abi

import (
	"time"

	"github.com/fb1e3c20/websockets/core"
)

// Sizes of a settings record: without compression, and with it.
const (
	SettingsSize   = 88
	CompressedSize = 112
)

// The flags of compression.
const (
	sendTakeover    = 1
	receiveTakeover = 2
)

// A Settings is a settings record. It is comparable.
type Settings [CompressedSize]byte

// Record returns the bytes of s that are the record.
func (s *Settings) Record() []byte { return s[:Uint32(s[:])] }

// SettingsOf returns the record of c, which must be as [core.Settings.Config]
// returns it, without zeros.
func SettingsOf(c core.Config) (s Settings) {
	PutUint32(s[0:], SettingsSize)
	if c.Compression != nil {
		PutUint32(s[0:], CompressedSize)
		s.setCompression(c.Compression)
	}
	PutUint32(s[4:], uint32(c.Pings))
	for i, v := range [...]int64{
		int64(c.PingInterval), int64(c.PongTimeout), int64(c.CloseTimeout), int64(c.ConnectionTimeout), int64(c.HandshakeTimeout),
		c.MaxFrameSize, c.MaxMessageSize, int64(c.MaxFragments), int64(c.MaxControlRate),
	} {
		PutUint64(s[8+8*i:], uint64(max(v, 0)))
	}
	PutUint32(s[80:], uint32(c.MaxHeadBytes))
	PutUint32(s[84:], uint32(c.MaxHeadLines))
	return s
}

func (s *Settings) setCompression(z *core.Compression) {
	flags := uint32(sendTakeover | receiveTakeover)
	if z.NoSendTakeover {
		flags &^= sendTakeover
	}
	if z.NoReceiveTakeover {
		flags &^= receiveTakeover
	}
	PutUint32(s[88:], uint32(z.SendWindowBits))
	PutUint32(s[92:], uint32(z.ReceiveWindowBits))
	PutUint32(s[96:], flags)
	PutUint32(s[100:], uint32(z.Level))
	PutUint64(s[104:], uint64(max(z.Threshold, 0)))
}

// parseCompression reads the part of a record that is about compression, if it has one.
func parseCompression(p []byte) (z *core.Compression, field string) {
	if len(p) == SettingsSize {
		return nil, ""
	}
	send, receive, flags, level, threshold := Uint32(p[88:]), Uint32(p[92:]), Uint32(p[96:]), Uint32(p[100:]), Uint64(p[104:])
	if send == 0 && receive == 0 {
		return nil, ""
	}
	switch {
	case !isWindow(send):
		return nil, "Compression.SendWindowBits"
	case !isWindow(receive):
		return nil, "Compression.ReceiveWindowBits"
	case flags > sendTakeover|receiveTakeover:
		return nil, "Compression.Takeover"
	case level < 1 || level > 9:
		return nil, "Compression.Level"
	}
	z = &core.Compression{
		SendWindowBits: int(send), ReceiveWindowBits: int(receive), Level: int(level), Threshold: int(min(threshold, core.MaxSize+1)),
		NoSendTakeover: flags&sendTakeover == 0, NoReceiveTakeover: flags&receiveTakeover == 0,
	}
	if threshold == 0 {
		z.Threshold = -1
	}
	return z, ""
}

// ParseSettings returns the Config of a record, without its Entropy and the Lender of
// its Compression. field is the name of the first one that is out of range, "" if there
// is none; the core judges the rest.
func ParseSettings(p []byte) (c core.Config, field string) {
	if len(p) != SettingsSize && len(p) != CompressedSize || Uint32(p) != uint32(len(p)) {
		return c, "size"
	}
	z, field := parseCompression(p)
	if field != "" {
		return c, field
	}
	var v [9]int64
	for i := range v {
		v[i] = int64(Uint64(p[8+8*i:]))
		if v[i] < 0 {
			return c, names[i]
		}
		if v[i] == 0 {
			v[i] = -1
		}
	}
	pings, bytes, lines := Uint32(p[4:]), Uint32(p[80:]), Uint32(p[84:])
	switch {
	case pings > uint32(core.PingDrop):
		return c, "pings"
	case bytes == 0 || bytes > 1<<20:
		return c, "MaxHeadBytes"
	case lines == 0 || lines > 1024:
		return c, "MaxHeadLines"
	}
	return core.Config{
		PingInterval: time.Duration(v[0]), PongTimeout: time.Duration(v[1]), CloseTimeout: time.Duration(v[2]),
		ConnectionTimeout: time.Duration(v[3]), HandshakeTimeout: time.Duration(v[4]),
		MaxFrameSize: v[5], MaxMessageSize: v[6], MaxFragments: int(min(v[7], 1<<30)), MaxControlRate: int(min(v[8], 1<<30)),
		MaxHeadBytes: int(bytes), MaxHeadLines: int(lines),
		Pings: core.PingPolicy(pings), Compression: z,
	}, ""
}

var names = [9]string{
	"PingInterval", "PongTimeout", "CloseTimeout", "ConnectionTimeout", "HandshakeTimeout",
	"MaxFrameSize", "MaxMessageSize", "MaxFragments", "MaxControlRate",
}
