package abi

import (
	"time"

	"github.com/fb1e3c20/websockets/core"
)

// SettingsSize is the size of a settings record.
const SettingsSize = 88

// A Settings is a settings record. It is comparable.
type Settings [SettingsSize]byte

// SettingsOf returns the record of c, which must be as [core.Settings.Config]
// returns it, without zeros.
func SettingsOf(c core.Config) (s Settings) {
	PutUint32(s[0:], SettingsSize)
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

// ParseSettings returns the Config of a record, without its Entropy. field is
// the name of the first one that is out of range, "" if there is none; the core
// judges the rest.
func ParseSettings(p []byte) (c core.Config, field string) {
	if len(p) != SettingsSize || Uint32(p) != SettingsSize {
		return c, "size"
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
		Pings: core.PingPolicy(pings),
	}, ""
}

var names = [9]string{
	"PingInterval", "PongTimeout", "CloseTimeout", "ConnectionTimeout", "HandshakeTimeout",
	"MaxFrameSize", "MaxMessageSize", "MaxFragments", "MaxControlRate",
}
