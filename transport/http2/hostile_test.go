package http2_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	h2 "golang.org/x/net/http2"
)

// What breaks the connection, and all streams with it. Two are open, with the
// numbers 1 and 3.
func TestViolationsOfTheConnection(t *testing.T) {
	const protocol, flow, size, compression = h2.ErrCodeProtocol, h2.ErrCodeFlowControl, h2.ErrCodeFrameSize, h2.ErrCodeCompression
	for _, test := range []struct {
		name   string
		attack func(p *peer)
		code   h2.ErrCode
		want   string
	}{
		{"DATA on an idle stream", func(p *peer) { p.WriteData(7, false, []byte("x")) }, protocol, "DATA on stream 7"},
		{"HEADERS on an idle stream", func(p *peer) { p.header(7, false, ":status", "200") }, protocol, "HEADERS on stream 7"},
		{"malformed HEADERS on an idle stream", func(p *peer) { p.header(7, false, "X", "y") }, protocol, "stream 7"},
		{"HEADERS on a stream of the server", func(p *peer) { p.header(2, false, ":status", "200") }, protocol, "stream 2"},
		{"RST_STREAM on an idle stream", func(p *peer) { p.WriteRSTStream(7, h2.ErrCodeCancel) }, protocol, "RST_STREAM on stream 7"},
		{"WINDOW_UPDATE on an idle stream", func(p *peer) { p.WriteWindowUpdate(7, 1) }, protocol, "WINDOW_UPDATE on stream 7"},
		{"DATA on stream 0", func(p *peer) { p.WriteData(0, false, []byte("x")) }, protocol, "stream ID 0"},
		{"HEADERS on stream 0", func(p *peer) { p.header(0, false, ":status", "200") }, protocol, "stream ID 0"},
		{"RST_STREAM on stream 0", func(p *peer) { p.WriteRSTStream(0, h2.ErrCodeCancel) }, protocol, ""},
		{"SETTINGS on a stream", func(p *peer) { p.WriteRawFrame(h2.FrameSettings, 0, 1, nil) }, protocol, ""},
		{"PING on a stream", func(p *peer) { p.WriteRawFrame(h2.FramePing, 0, 1, make([]byte, 8)) }, protocol, ""},
		{"GOAWAY on a stream", func(p *peer) { p.WriteRawFrame(h2.FrameGoAway, 0, 1, make([]byte, 8)) }, protocol, ""},
		{"PUSH_PROMISE", func(p *peer) {
			p.WritePushPromise(h2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: p.fields(":method", "GET"), EndHeaders: true})
		}, protocol, "PUSH_PROMISE"},
		{"CONTINUATION by itself", func(p *peer) { p.WriteContinuation(1, true, p.fields("a", "b")) }, protocol, "CONTINUATION"},
		{"a frame amid a header", func(p *peer) {
			p.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, BlockFragment: p.fields("a", "b")})
			p.WriteData(1, false, nil)
		}, protocol, "CONTINUATION"},
		{"CONTINUATION of another stream", func(p *peer) {
			p.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, BlockFragment: p.fields("a", "b")})
			p.WriteContinuation(3, true, nil)
		}, protocol, "CONTINUATION"},
		{"a flood of CONTINUATION", func(p *peer) {
			p.WriteHeaders(h2.HeadersFrameParam{StreamID: 1})
			for range 100 {
				if p.WriteContinuation(1, false, p.fields("a", strings.Repeat("\\", 10_000))) != nil {
					break
				}
			}
		}, protocol, ""},
		{"a string without an end", func(p *peer) {
			p.WriteRawFrame(h2.FrameHeaders, h2.FlagHeadersEndHeaders, 1, []byte{0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
		}, compression, ""},
		{"an index beyond the table", func(p *peer) { p.WriteRawFrame(h2.FrameHeaders, h2.FlagHeadersEndHeaders, 1, []byte{0xfe}) }, compression, ""},
		{"padding beyond the frame", func(p *peer) { p.WriteRawFrame(h2.FrameData, h2.FlagDataPadded, 1, []byte{9, 'x'}) }, protocol, "pad"},
		{"no room for padding", func(p *peer) { p.WriteRawFrame(h2.FrameData, h2.FlagDataPadded, 1, nil) }, size, "too short"},
		{"a frame that is too large", func(p *peer) { p.WriteData(1, false, make([]byte, 16385)) }, size, "16384 bytes"},
		{"SETTINGS of odd length", func(p *peer) { p.WriteRawFrame(h2.FrameSettings, 0, 0, make([]byte, 5)) }, size, ""},
		{"SETTINGS, ACK, with a payload", func(p *peer) { p.WriteRawFrame(h2.FrameSettings, h2.FlagSettingsAck, 0, make([]byte, 6)) }, size, ""},
		{"PING of odd length", func(p *peer) { p.WriteRawFrame(h2.FramePing, 0, 0, make([]byte, 7)) }, size, ""},
		{"WINDOW_UPDATE of odd length", func(p *peer) { p.WriteRawFrame(h2.FrameWindowUpdate, 0, 0, make([]byte, 3)) }, size, ""},
		{"RST_STREAM of odd length", func(p *peer) { p.WriteRawFrame(h2.FrameRSTStream, 0, 1, make([]byte, 3)) }, size, ""},
		{"WINDOW_UPDATE of 0", func(p *peer) { p.WriteWindowUpdate(0, 0) }, protocol, ""},
		{"WINDOW_UPDATE beyond 2^31-1", func(p *peer) { p.WriteWindowUpdate(0, 1<<31-1) }, flow, "the window of the connection"},
		{"SETTINGS_ENABLE_PUSH", func(p *peer) { p.WriteSettings(h2.Setting{ID: h2.SettingEnablePush, Val: 1}) }, protocol, "push"},
		{"SETTINGS_MAX_FRAME_SIZE of 100", func(p *peer) { p.WriteSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Val: 100}) }, protocol, "MAX_FRAME_SIZE"},
		{"SETTINGS_INITIAL_WINDOW_SIZE of 2^31", func(p *peer) { p.WriteSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1 << 31}) }, flow, ""},
		{"SETTINGS_INITIAL_WINDOW_SIZE that is too large for a stream", func(p *peer) {
			p.WriteWindowUpdate(1, 100)
			p.WriteSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1<<31 - 1})
		}, flow, "INITIAL_WINDOW_SIZE"},
		{"SETTINGS_ENABLE_CONNECT_PROTOCOL of 2", func(p *peer) { p.WriteSettings(h2.Setting{ID: h2.SettingEnableConnectProtocol, Val: 2}) }, protocol, "CONNECT_PROTOCOL"},
		{"SETTINGS_ENABLE_CONNECT_PROTOCOL taken back", func(p *peer) { p.WriteSettings(h2.Setting{ID: h2.SettingEnableConnectProtocol, Val: 0}) }, protocol, "takes back"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			reserve(t, c)
			s, _ := accept(t, c, p), accept(t, c, p)
			p.WriteData(1, false, []byte("before"))
			test.attack(p)
			p.expectGoodbye(test.code)
			await(t, "the end", c.Done())
			got, err := readAll(s)
			if string(got) != "before" {
				t.Errorf("read %q; want what came before", got)
			}
			_, writeErr := s.TryWrite([]byte("x"))
			for _, err := range []error{err, writeErr, c.Err()} {
				if e := h2.ConnectionError(0); !asError(err, &e) || h2.ErrCode(e) != test.code || !strings.Contains(err.Error(), test.want) || errors.Is(err, net.ErrClosed) {
					t.Errorf("the error is %v; want %v and %q", err, test.code, test.want)
				}
			}
			if c.Reserve() {
				t.Error("there is a place")
			}
		})
	}
}

// What breaks one stream. The other, with the number 3, lives on.
func TestViolationsOfAStream(t *testing.T) {
	for _, test := range []struct {
		name   string
		attack func(p *peer)
		code   h2.ErrCode
		before string // what can be read
		want   string
	}{
		{"DATA beyond the window", func(p *peer) {
			for range 17 {
				p.WriteData(1, false, make([]byte, 16384))
			}
		}, h2.ErrCodeFlowControl, string(make([]byte, 256<<10)), "beyond the window"},
		{"padding beyond the window", func(p *peer) {
			for range 15 {
				p.WriteData(1, false, make([]byte, 16384))
			}
			p.WriteData(1, false, make([]byte, 16300))
			p.WriteDataPadded(1, false, []byte("x"), make([]byte, 200))
		}, h2.ErrCodeFlowControl, string(make([]byte, 256<<10-84)), "beyond the window"},
		{"DATA after END_STREAM", func(p *peer) {
			p.WriteData(1, true, []byte("end"))
			p.WriteData(1, false, []byte("x"))
		}, h2.ErrCodeStreamClosed, "end", ""},
		{"HEADERS after END_STREAM", func(p *peer) {
			p.WriteData(1, true, []byte("end"))
			p.header(1, true, "a", "b")
		}, h2.ErrCodeStreamClosed, "end", ""},
		{"trailers without END_STREAM", func(p *peer) { p.header(1, false, "a", "b") }, h2.ErrCodeProtocol, "", "trailers"},
		{"trailers with a status", func(p *peer) { p.header(1, true, ":status", "200") }, h2.ErrCodeProtocol, "", "trailers"},
		{"malformed trailers", func(p *peer) { p.header(1, true, "A", "b") }, h2.ErrCodeProtocol, "", "A"},
		{"WINDOW_UPDATE of 0", func(p *peer) { p.WriteWindowUpdate(1, 0) }, h2.ErrCodeProtocol, "", ""},
		{"WINDOW_UPDATE beyond 2^31-1", func(p *peer) { p.WriteWindowUpdate(1, 1<<31-1) }, h2.ErrCodeFlowControl, "", "too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			reserve(t, c)
			s, other := accept(t, c, p), accept(t, c, p)
			test.attack(p)
			p.expectReset(1, test.code)
			got, err := readAll(s)
			if string(got) != test.before {
				t.Errorf("read %d bytes; want %d", len(got), len(test.before))
			}
			_, writeErr := s.TryWrite([]byte("x"))
			for _, err := range []error{err, writeErr} {
				if e := (h2.StreamError{}); err != nil && (!asError(err, &e) || e.Code != test.code || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("the error is %v; want %v and %q", err, test.code, test.want)
				}
			}
			if writeErr == nil {
				t.Error("the stream can be written")
			}
			p.WriteData(3, true, []byte("alive"))
			if got, err := readAll(other); string(got) != "alive" || err != nil {
				t.Errorf("the other stream: %q, %v", got, err)
			}
		})
	}
}

// What may come, and means nothing.
func TestFramesThatMeanNothing(t *testing.T) {
	c, p := meet(t)
	reserve(t, c)
	s, other := accept(t, c, p), accept(t, c, p)
	s.Abort()
	p.expectReset(1, h2.ErrCodeCancel)
	// They were on their way when the stream was reset.
	p.WriteData(1, false, []byte("late"))
	p.WriteWindowUpdate(1, 1000)
	p.header(1, true, "a", "b")
	p.WriteRSTStream(1, h2.ErrCodeCancel)

	p.WriteRawFrame(0x42, 0xff, 3, []byte("of another type"))
	p.WritePriority(3, h2.PriorityParam{Weight: 1})
	p.WriteData(3, false, nil)
	p.WriteSettingsAck()
	p.WritePing(true, [8]byte{9})
	p.WriteSettings(h2.Setting{ID: 0xbeef, Val: 1}, h2.Setting{ID: h2.SettingMaxFrameSize, Val: 1 << 20}, h2.Setting{ID: h2.SettingMaxFrameSize, Val: 16384})
	if f := p.expect(h2.FrameSettings).(*h2.SettingsFrame); !f.IsAck() {
		t.Errorf("the client sent %v", f)
	}
	if others := p.ping(); others != nil {
		t.Errorf("the client sent %v", others)
	}
	p.WriteData(3, false, []byte("alive"))
	if got, err := read(other, 5); string(got) != "alive" || err != nil {
		t.Errorf("the stream: %q, %v", got, err)
	}
}

// Who asks for answers and does not take them is cut off.
func TestFloods(t *testing.T) {
	for _, test := range []struct {
		name string
		ask  func(p *peer) error
	}{
		{"PING", func(p *peer) error { return p.WritePing(false, [8]byte{}) }},
		{"SETTINGS", func(p *peer) error { return p.WriteSettings() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := meetUnbuffered(t)
				s := accept(t, c, p)
				for !s.Readable() && test.ask(p) == nil {
				}
				_, err := readAll(s)
				if e := h2.ConnectionError(0); !asError(err, &e) || h2.ErrCode(e) != h2.ErrCodeEnhanceYourCalm {
					t.Errorf("the error is %v; want ENHANCE_YOUR_CALM", err)
				}
				await(t, "the end", c.Done())
			})
		})
	}
}
