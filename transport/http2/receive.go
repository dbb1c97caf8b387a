package http2

import (
	"errors"
	"fmt"
	"io"

	h2 "golang.org/x/net/http2"
)

// maxControl is how many bytes of frames that must go first may wait, answers to
// the server's PINGs for the most part.
const maxControl = 64 << 10

// readFrame reads a frame and acts on it. It reports whether to go on.
func (c *Conn) readFrame() bool {
	f, err := c.frames.ReadFrame()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.heard++
	before := c.control.Len()
	if err == nil {
		err = c.receive(f)
	} else {
		err = c.unreadable(err)
	}
	if e, ok := err.(h2.StreamError); ok {
		err = c.failStream(e)
	}
	if n := c.control.Len(); err == nil && n > maxControl && n > before {
		err = violated(h2.ErrCodeEnhanceYourCalm, "it asks for more answers than it takes")
	}
	if v, ok := err.(*violation); ok {
		c.goAway(v, v.code)
	} else if err != nil {
		c.end(err, 0)
	}
	return err == nil
}

// unreadable says what an error of the framer means.
func (c *Conn) unreadable(err error) error {
	if _, ok := err.(h2.StreamError); ok {
		return err
	}
	if e, ok := err.(h2.ConnectionError); ok {
		what := "a frame that cannot be"
		if detail := c.frames.ErrorDetail(); detail != nil {
			what = detail.Error()
		}
		return violated(h2.ErrCode(e), "%s", what)
	}
	switch {
	case errors.Is(err, h2.ErrFrameTooLarge):
		return violated(h2.ErrCodeFrameSize, "a frame of more than %d bytes; perhaps it does not speak HTTP/2", frameSize)
	case c.source.err == nil:
		return violated(h2.ErrCodeFrameSize, "a frame that is too short")
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("http2: the connection is lost: %w", err)
}

// A source tells of an error whether it is the connection's.
type source struct {
	conn io.Reader
	err  error
}

func (s *source) Read(p []byte) (n int, err error) {
	n, s.err = s.conn.Read(p)
	return n, s.err
}

// receive acts on a frame. The lock is held.
func (c *Conn) receive(f h2.Frame) error {
	settings, ok := f.(*h2.SettingsFrame)
	if !c.greeted && (!ok || settings.IsAck()) {
		return violated(h2.ErrCodeProtocol, "its first frame is %v, not SETTINGS", f.Header().Type)
	}
	c.greeted = true
	switch f := f.(type) {
	case *h2.SettingsFrame:
		return c.onSettings(f)
	case *h2.DataFrame:
		return c.onData(f)
	case *h2.MetaHeadersFrame:
		return c.onHeaders(f)
	case *h2.WindowUpdateFrame:
		return c.onWindowUpdate(f)
	case *h2.RSTStreamFrame:
		return c.onReset(f)
	case *h2.PingFrame:
		c.onPing(f)
	case *h2.GoAwayFrame:
		return c.onGoAway(f)
	case *h2.PushPromiseFrame:
		return violated(h2.ErrCodeProtocol, "PUSH_PROMISE, which is switched off")
	}
	return nil // others mean nothing (https://www.rfc-editor.org/rfc/rfc9113#section-4.1)
}

// find returns a stream, nil if it has ended, and an error if it never was.
func (c *Conn) find(id uint32, f h2.FrameType) (*Stream, error) {
	if s := c.streams[id]; s != nil {
		return s, nil
	}
	if id%2 == 0 || id > c.lastID {
		return nil, violated(h2.ErrCodeProtocol, "%v on stream %d, which was never opened", f, id)
	}
	return nil, nil
}

// failStream ends the one stream on which the server did something wrong. An error
// is the connection's.
func (c *Conn) failStream(e h2.StreamError) error {
	s, err := c.find(e.StreamID, h2.FrameHeaders)
	if s != nil {
		s.cancel(e.Code, fmt.Errorf("http2: the server broke the protocol: %w", e))
	}
	return err
}

func (c *Conn) onData(f *h2.DataFrame) error {
	size := int64(f.Length)
	if size > c.receiveWindow {
		return violated(h2.ErrCodeFlowControl, "DATA beyond the window of the connection")
	}
	if c.receiveWindow -= size; c.receiveWindow < connWindow/2 {
		c.framer.WriteWindowUpdate(0, uint32(connWindow-c.receiveWindow))
		c.receiveWindow = connWindow
		c.startWriting()
	}
	s, err := c.find(f.StreamID, f.Type)
	if s == nil {
		return err
	}
	return s.onData(f.Data(), size, f.StreamEnded())
}

func (c *Conn) onHeaders(f *h2.MetaHeadersFrame) error {
	s, err := c.find(f.StreamID, f.Type)
	if s == nil {
		return err
	}
	return s.onHeaders(f)
}

func (c *Conn) onWindowUpdate(f *h2.WindowUpdateFrame) error {
	if f.StreamID == 0 {
		if c.sendWindow += int64(f.Increment); c.sendWindow > maxWindow {
			return violated(h2.ErrCodeFlowControl, "WINDOW_UPDATE of %d makes the window of the connection too large", f.Increment)
		}
		c.ready.take(&c.held)
		c.startWriting()
		return nil
	}
	s, err := c.find(f.StreamID, f.Type)
	if s == nil {
		return err
	}
	if s.sendWindow += int64(f.Increment); s.sendWindow > maxWindow {
		return malformed(s.id, h2.ErrCodeFlowControl, "WINDOW_UPDATE of %d makes the window too large", f.Increment)
	}
	c.want(s)
	return nil
}

func (c *Conn) onReset(f *h2.RSTStreamFrame) error {
	s, err := c.find(f.StreamID, f.Type)
	if s != nil {
		s.onReset(f.ErrCode)
	}
	return err
}

func (c *Conn) onPing(f *h2.PingFrame) {
	if !f.IsAck() {
		c.framer.WritePing(true, f.Data)
		c.startWriting()
	}
}

// onGoAway gives up the requests that the server leaves out, and lets the streams
// that it does not go on
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.8).
func (c *Conn) onGoAway(f *h2.GoAwayFrame) error {
	c.goneAway = true
	for _, s := range c.opening {
		s.lose(leftOut(false))
	}
	c.opening = nil
	for id, s := range c.streams {
		if id > f.LastStreamID {
			delete(c.streams, id)
			s.lose(leftOut(s.answered()))
		}
	}
	if f.ErrCode != h2.ErrCodeNo {
		return wentAway(f)
	}
	c.rest()
	return nil
}
