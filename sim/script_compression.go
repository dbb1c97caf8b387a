package sim

import (
	"fmt"
	"strings"

	"github.com/fb1e3c20/websockets/core"
)

// setCompression reads how an honest end of a script compresses: "on", or what differs
// from that.
func (e *scriptEnd) setCompression(value string) error {
	z := lending(&core.Compression{}) // so that it can be checked
	e.config.Compression = z
	if value == "on" {
		return nil
	}
	for part := range strings.SplitSeq(value, ",") {
		key, number, _ := strings.Cut(part, ":")
		var err error
		switch key {
		case "send":
			z.SendWindowBits, err = parseNumber(key, number, 8, 15)
		case "receive":
			z.ReceiveWindowBits, err = parseNumber(key, number, 8, 15)
		case "level":
			z.Level, err = parseNumber(key, number, 1, 9)
		case "threshold":
			z.Threshold, err = parseNumber(key, number, -1, core.MaxSize)
		case "no-send-takeover":
			z.NoSendTakeover = true
		case "no-receive-takeover":
			z.NoReceiveTakeover = true
		default:
			err = fmt.Errorf("compress is %q; it must be on, or some of send:BITS, receive:BITS, level:N, threshold:N, "+
				"no-send-takeover and no-receive-takeover, joined by commas", value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkExtensions returns why a puppet cannot say that in a line of its head.
func checkExtensions(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("extensions is %q; it must be printable ASCII", value)
	}
	return nil
}
