package core

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"
)

// The defaults are the parameters of the seed.
func TestDefaults(t *testing.T) {
	s, err := NewSettings(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ got, want any }{
		"ping interval":      {s.ping, 15 * time.Second},
		"pong timeout":       {s.pong, time.Duration(0)},
		"close timeout":      {s.close, 5 * time.Second},
		"connection timeout": {s.conn, 58 * time.Second},
		"handshake timeout":  {s.handshake, 10 * time.Second},
		"frame size":         {s.maxFrame, uint32(1 << 20)},
		"message size":       {s.maxMessage, uint32(1 << 20)},
		"fragments":          {s.maxFragments, uint32(65536)},
		"control cost":       {s.controlCost, 100 * time.Microsecond},
		"head bytes":         {s.maxHeadBytes, 32 << 10},
		"head lines":         {s.maxHeadLines, 128},
		"pings":              {s.pings, PingDefault},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
}

func TestNegativeIsOff(t *testing.T) {
	s, err := NewSettings(Config{
		PingInterval: -1, PongTimeout: -1, CloseTimeout: -1, ConnectionTimeout: -1, HandshakeTimeout: -1,
		MaxFrameSize: -1, MaxMessageSize: math.MinInt64, MaxFragments: -1, MaxControlRate: math.MinInt,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.ping != 0 || s.pong != 0 || s.close != 0 || s.conn != 0 || s.handshake != 0 || s.maxFragments != 0 || s.controlCost != 0 {
		t.Errorf("%+v", s)
	}
	if s.maxFrame != MaxSize || s.maxMessage != MaxSize {
		t.Errorf("sizes %d and %d", s.maxFrame, s.maxMessage)
	}
}

// Who asks for larger messages need not ask for larger frames too.
func TestFramesAreAsLargeAsMessages(t *testing.T) {
	for _, tt := range []struct {
		c              Config
		frame, message uint32
	}{
		{Config{MaxMessageSize: 16 << 20}, 16 << 20, 16 << 20},
		{Config{MaxMessageSize: 1000}, 1 << 20, 1000},
		{Config{MaxMessageSize: -1}, MaxSize, MaxSize},
		{Config{MaxMessageSize: 16 << 20, MaxFrameSize: 1000}, 1000, 16 << 20},
		{Config{MaxFrameSize: 1000}, 1000, 1 << 20},
		{Config{MaxFrameSize: 16 << 20}, 16 << 20, 1 << 20},
	} {
		s, err := NewSettings(tt.c)
		if err != nil || s.maxFrame != tt.frame || s.maxMessage != tt.message {
			t.Errorf("%+v: %d, %d, %v", tt.c, s.maxFrame, s.maxMessage, err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct {
		field string
		c     Config
	}{
		{"MaxFrameSize", Config{MaxFrameSize: 1<<30 + 1}},
		{"MaxFrameSize", Config{MaxFrameSize: math.MaxInt64}},
		{"MaxMessageSize", Config{MaxMessageSize: 1<<30 + 1}},
		{"MaxHeadBytes", Config{MaxHeadBytes: -1}},
		{"MaxHeadBytes", Config{MaxHeadBytes: 1<<20 + 1}},
		{"MaxHeadLines", Config{MaxHeadLines: -1}},
		{"MaxHeadLines", Config{MaxHeadLines: 1025}},
		{"Pings", Config{Pings: PingDrop + 1}},
		{"ConnectionTimeout", Config{ConnectionTimeout: 15 * time.Second}},
		{"ConnectionTimeout", Config{PingInterval: time.Minute}},
		{"ConnectionTimeout", Config{PingInterval: time.Second, ConnectionTimeout: time.Second}},
	} {
		s, err := NewSettings(tt.c)
		var ce *ConfigError
		if s != nil || !errors.As(err, &ce) || ce.Field != tt.field || ce.Reason == "" {
			t.Errorf("%+v: %v, want an error about %s", tt.c, err, tt.field)
		}
	}
	for _, c := range []Config{
		{MaxFrameSize: 1 << 30, MaxMessageSize: 1 << 30},
		{MaxFrameSize: 1, MaxMessageSize: 1},
		{MaxFragments: math.MaxInt, MaxControlRate: math.MaxInt},
		{MaxHeadBytes: 1 << 20, MaxHeadLines: 1024},
		{PingInterval: time.Hour, ConnectionTimeout: -1},
		{PingInterval: -1, ConnectionTimeout: time.Millisecond},
		{PingInterval: 1, ConnectionTimeout: 2},
		{PingInterval: math.MaxInt64 - 1, PongTimeout: math.MaxInt64, ConnectionTimeout: math.MaxInt64},
	} {
		if _, err := NewSettings(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The Config of Settings makes equal Settings.
func TestSettingsConfig(t *testing.T) {
	for _, c := range []Config{
		{},
		{PingInterval: -1, PongTimeout: -1, CloseTimeout: -1, ConnectionTimeout: -1, HandshakeTimeout: -1,
			MaxFrameSize: -1, MaxMessageSize: -1, MaxFragments: -1, MaxControlRate: -1},
		{PingInterval: 1, PongTimeout: 2, CloseTimeout: 3, ConnectionTimeout: 4, HandshakeTimeout: 5,
			MaxFrameSize: 6, MaxMessageSize: 7, MaxFragments: 8, MaxControlRate: 999_999_937, MaxHeadBytes: 9, MaxHeadLines: 10, Pings: PingDrop},
		{MaxControlRate: 2_000_000_000},
		{MaxControlRate: 300_000_007},
	} {
		first, err := NewSettings(c)
		if err != nil {
			t.Fatal(err)
		}
		second, err := NewSettings(first.Config())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%+v\nbecame %+v", first, second)
		}
	}
}
