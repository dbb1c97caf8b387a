package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
)

// protocol are the flags that a server and a client share. On the command line
// 0 switches a timer off and lifts a limit.
type protocol struct {
	MaxMessage        size          `placeholder:"SIZE" default:"1MiB" help:"Largest message that is accepted, such as 65536, 64KiB or 16MiB; 0 means 1GiB. Default ${default}."`
	Deflate           string        `enum:"off,nct,ct" default:"off" placeholder:"HOW" help:"Compress messages if the peer agrees (permessage-deflate): off, nct (each by itself), ct (with context takeover: 4 KiB are kept for each direction). Default ${default}."`
	PingInterval      time.Duration `placeholder:"TIME" default:"15s" help:"Time between pings; 0: no pings. Default ${default}."`
	CloseTimeout      time.Duration `placeholder:"TIME" default:"5s" help:"How long the closing handshake may take; 0: for ever. Default ${default}."`
	ConnectionTimeout time.Duration `placeholder:"TIME" default:"58s" help:"How long the peer may be silent; longer than the ping interval. 0: for ever. Default ${default}."`
	HandshakeTimeout  time.Duration `placeholder:"TIME" default:"10s" help:"How long the opening handshake may take; 0: for ever. Default ${default}."`
}

// apply sets the flags in o and checks them together.
func (p *protocol) apply(o *websockets.Options) error {
	o.MaxFrameSize, o.MaxMessageSize = p.MaxMessage.limit(), p.MaxMessage.limit()
	switch p.Deflate {
	case "nct":
		o.Compression = &websockets.Compression{NoSendTakeover: true, NoReceiveTakeover: true}
	case "ct":
		o.Compression = &websockets.Compression{}
	}
	for _, t := range []struct {
		flag string
		time time.Duration
		to   *time.Duration
	}{
		{"ping-interval", p.PingInterval, &o.PingInterval},
		{"close-timeout", p.CloseTimeout, &o.CloseTimeout},
		{"connection-timeout", p.ConnectionTimeout, &o.ConnectionTimeout},
		{"handshake-timeout", p.HandshakeTimeout, &o.HandshakeTimeout},
	} {
		if t.time < 0 {
			return usageError{fmt.Errorf("--%s: %v is negative; use 0 to switch it off", t.flag, t.time)}
		}
		*t.to = orOff(t.time)
	}
	if p.PingInterval > 0 && p.ConnectionTimeout > 0 && p.ConnectionTimeout <= p.PingInterval {
		return usageError{fmt.Errorf("--connection-timeout %v must be longer than --ping-interval %v", p.ConnectionTimeout, p.PingInterval)}
	}
	err := o.Validate()
	if e, ok := errors.AsType[*core.ConfigError](err); ok && e.Field == "Subprotocols" {
		err = fmt.Errorf("--subprotocol: %s", e.Reason)
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// orOff turns the 0 of the command line into what switches a timer off.
func orOff(t time.Duration) time.Duration {
	if t == 0 {
		return -1
	}
	return t
}

// A size is a number of bytes, with or without a unit.
type size int64

const maxSize = 1 << 30

var units = []struct {
	suffix string
	shift  uint
}{
	{"kib", 10}, {"mib", 20}, {"gib", 30},
	{"k", 10}, {"m", 20}, {"g", 30},
	{"b", 0},
}

// UnmarshalText reads 65536, 64KiB, 64k, 1MiB and the like.
func (s *size) UnmarshalText(text []byte) error {
	digits, shift := strings.ToLower(string(text)), uint(0)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, shift = rest, u.shift
			break
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
	if err != nil {
		return fmt.Errorf("%q is not a size such as 65536, 64KiB or 1MiB", text)
	}
	if n > maxSize>>shift {
		return fmt.Errorf("%s is more than 1GiB, the most that can be set", text)
	}
	*s = size(n << shift)
	return nil
}

// limit is s as the options have it, where a negative number is the cap.
func (s size) limit() int64 {
	if s == 0 {
		return -1
	}
	return int64(s)
}
