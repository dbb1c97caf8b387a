package http2

import (
	"math"

	h2 "golang.org/x/net/http2"
)

// settings are what the server has said of itself, as far as it matters here
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2). SETTINGS_MAX_FRAME_SIZE
// does not: no frame of ours is larger than everybody must take.
type settings struct {
	connect    bool  // it takes extended CONNECT
	window     int64 // of a new stream
	maxStreams uint32
	maxHeader  uint32
}

var defaults = settings{window: defaultWindow, maxStreams: math.MaxInt32, maxHeader: math.MaxUint32}

// onSettings does what the server wants, and says so. The lock is held.
func (c *Conn) onSettings(f *h2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	before := c.settings.window
	if err := f.ForeachSetting(c.set); err != nil {
		return err
	}
	if err := c.moveWindows(c.settings.window - before); err != nil {
		return err
	}
	c.framer.WriteSettingsAck()
	c.startWriting()
	c.settle()
	return nil
}

func (c *Conn) set(s h2.Setting) error {
	if err := s.Valid(); err != nil {
		code := h2.ErrCodeProtocol
		if e, ok := err.(h2.ConnectionError); ok {
			code = h2.ErrCode(e)
		}
		return violated(code, "the setting %v", s)
	}
	switch s.ID {
	case h2.SettingEnablePush:
		if s.Val != 0 {
			return violated(h2.ErrCodeProtocol, "it wants to be pushed to")
		}
	case h2.SettingEnableConnectProtocol:
		// https://www.rfc-editor.org/rfc/rfc8441#section-3
		if c.settings.connect && s.Val == 0 {
			return violated(h2.ErrCodeProtocol, "it takes back SETTINGS_ENABLE_CONNECT_PROTOCOL")
		}
		c.settings.connect = s.Val == 1
	case h2.SettingInitialWindowSize:
		c.settings.window = int64(s.Val)
	case h2.SettingMaxConcurrentStreams:
		c.settings.maxStreams = min(s.Val, math.MaxInt32)
	case h2.SettingMaxHeaderListSize:
		c.settings.maxHeader = s.Val
	case h2.SettingHeaderTableSize:
		c.hpack.SetMaxDynamicTableSize(s.Val)
	}
	return nil
}

// moveWindows changes the send windows of all streams, which may become negative
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.9.2).
func (c *Conn) moveWindows(delta int64) error {
	if delta == 0 {
		return nil
	}
	for _, s := range c.streams {
		if s.sendWindow += delta; s.sendWindow > maxWindow {
			return violated(h2.ErrCodeFlowControl, "its SETTINGS_INITIAL_WINDOW_SIZE of %d makes the window of stream %d too large", c.settings.window, s.id)
		}
		c.want(s)
	}
	return nil
}
