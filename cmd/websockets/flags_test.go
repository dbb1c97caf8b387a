package main

import (
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]size{
		"0":          0,
		"1":          1,
		"65536":      65536,
		"512B":       512,
		"64k":        64 << 10,
		"64KiB":      64 << 10,
		"64 KiB":     64 << 10,
		"16MiB":      16 << 20,
		"16m":        16 << 20,
		"1GiB":       1 << 30,
		"1g":         1 << 30,
		"1048576KiB": 1 << 30,
		"1073741824": 1 << 30,
	} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5MiB", "1KB", "1TiB", "1073741825", "1048577KiB", "9223372036854775807", "99999999999999999999"} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

// 0 on the command line is off; the options have a negative number for that.
func TestApply(t *testing.T) {
	var o websockets.Options
	off := protocol{}
	if err := off.apply(&o); err != nil {
		t.Fatal(err)
	}
	if o.MaxFrameSize >= 0 || o.MaxMessageSize >= 0 || o.PingInterval >= 0 ||
		o.CloseTimeout >= 0 || o.ConnectionTimeout >= 0 || o.HandshakeTimeout >= 0 {
		t.Errorf("all off became %+v", o)
	}
	on := protocol{
		MaxMessage:        64 << 10,
		PingInterval:      time.Second,
		CloseTimeout:      2 * time.Second,
		ConnectionTimeout: 3 * time.Second,
		HandshakeTimeout:  4 * time.Second,
	}
	if err := on.apply(&o); err != nil {
		t.Fatal(err)
	}
	if o.MaxFrameSize != 64<<10 || o.MaxMessageSize != 64<<10 || o.PingInterval != time.Second ||
		o.CloseTimeout != 2*time.Second || o.ConnectionTimeout != 3*time.Second || o.HandshakeTimeout != 4*time.Second {
		t.Errorf("all on became %+v", o)
	}
}
