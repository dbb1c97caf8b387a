package http3

import (
	"bytes"
	"context"
	"fmt"
	"io"

	quicgo "github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// The http3 package tells nobody of a server that goes away (GOAWAY), and then closes
// the connection as soon as the last stream has ended, though its last bytes may not
// have arrived. So the server's control stream is read here.

// What is on a control stream (https://www.rfc-editor.org/rfc/rfc9114#section-7.2).
const (
	controlStream = 0x0 // a type of stream

	frameSettings = 0x4
	frameGoAway   = 0x7

	settingConnectProtocol = 0x8 // https://www.rfc-editor.org/rfc/rfc9220#section-5

	maxSettings = 8 << 10 // bytes
)

// misplaced are the types of frames that a server must not send there: DATA,
// HEADERS, more SETTINGS, PUSH_PROMISE, MAX_PUSH_ID, and those of HTTP/2.
var misplaced = map[uint64]bool{
	0x0: true, 0x1: true, 0x4: true, 0x5: true, 0xd: true,
	0x2: true, 0x6: true, 0x8: true, 0x9: true,
}

// A violation is what the server did that ends the connection.
type violation struct {
	code h3.ErrCode
	what string
}

func (v *violation) Error() string { return "http3: the server sent " + v.what }

// acceptStreams looks after the server's unidirectional streams until the
// connection ends.
func (c *conn) acceptStreams() {
	for {
		s, err := c.quic.AcceptUniStream(context.Background())
		if err != nil {
			return
		}
		go c.lookAfter(s)
	}
}

func (c *conn) lookAfter(s *quicgo.ReceiveStream) {
	if !isControl(s) {
		c.http.HandleUnidirectionalStream(s)
		return
	}
	s.ReleaseStreamCredit()
	v := &violation{h3.ErrCodeStreamCreationError, "a second control stream"}
	if !c.controlled.Swap(true) {
		v = c.readControl(quicvarint.NewReader(s))
	}
	c.quic.CloseWithError(quicgo.ApplicationErrorCode(v.code), v.what)
}

// isControl looks at the type of a stream, and leaves it there.
func isControl(s *quicgo.ReceiveStream) bool {
	var buf [8]byte
	if _, err := s.Peek(buf[:1]); err != nil {
		return false
	}
	n := 1 << (buf[0] >> 6) // https://www.rfc-editor.org/rfc/rfc9000#section-16
	if _, err := s.Peek(buf[:n]); err != nil {
		return false
	}
	kind, _, err := quicvarint.Parse(buf[:n])
	return err == nil && kind == controlStream
}

// readControl reads a control stream to its end, which must not come before that of
// the connection (https://www.rfc-editor.org/rfc/rfc9114#section-6.2.1).
func (c *conn) readControl(r quicvarint.Reader) *violation {
	closed := &violation{h3.ErrCodeClosedCriticalStream, "the end of its control stream"}
	if _, err := quicvarint.Read(r); err != nil { // the type
		return closed
	}
	extended, err := readSettings(r)
	if v, ok := err.(*violation); ok {
		return v
	} else if err != nil {
		return closed
	}
	c.extended = extended
	close(c.settings)
	for {
		kind, err := skipFrame(r)
		switch {
		case err != nil:
			return closed
		case misplaced[kind]:
			return &violation{h3.ErrCodeFrameUnexpected, fmt.Sprintf("a frame of type %#x on its control stream", kind)}
		case kind == frameGoAway:
			c.shun()
		}
	}
}

// skipFrame returns the type of the next frame, unread if it is misplaced.
func skipFrame(r quicvarint.Reader) (kind uint64, err error) {
	kind, size, err := readFrameHeader(r)
	if err == nil && !misplaced[kind] {
		_, err = io.CopyN(io.Discard, r, int64(size))
	}
	return kind, err
}

func readFrameHeader(r quicvarint.Reader) (kind, size uint64, err error) {
	if kind, err = quicvarint.Read(r); err != nil {
		return 0, 0, err
	}
	size, err = quicvarint.Read(r)
	return kind, size, err
}

// readSettings reads the first frame, and returns whether the server takes extended
// CONNECT. The error is a *violation, or that of r.
func readSettings(r quicvarint.Reader) (extended bool, err error) {
	kind, size, err := readFrameHeader(r)
	switch {
	case err != nil:
		return false, err
	case kind != frameSettings:
		return false, &violation{h3.ErrCodeMissingSettings, fmt.Sprintf("a frame of type %#x before its settings", kind)}
	case size > maxSettings:
		return false, &violation{h3.ErrCodeExcessiveLoad, fmt.Sprintf("%d bytes of settings; %d are taken", size, maxSettings)}
	}
	p := make([]byte, size)
	if _, err := io.ReadFull(r, p); err != nil {
		return false, err
	}
	return parseSettings(p)
}

func parseSettings(p []byte) (extended bool, err error) {
	seen := make(map[uint64]bool)
	for r := bytes.NewReader(p); r.Len() > 0; {
		id, err1 := quicvarint.Read(r)
		value, err2 := quicvarint.Read(r)
		switch {
		case err1 != nil || err2 != nil:
			return false, &violation{h3.ErrCodeFrameError, "settings that end in the middle of one"}
		case seen[id]:
			return false, &violation{h3.ErrCodeSettingsError, fmt.Sprintf("the setting %#x twice", id)}
		case id >= 0x2 && id <= 0x5: // of HTTP/2
			return false, &violation{h3.ErrCodeSettingsError, fmt.Sprintf("the setting %#x, which is one of HTTP/2", id)}
		case id == settingConnectProtocol && value > 1:
			return false, &violation{h3.ErrCodeSettingsError, fmt.Sprintf("the setting ENABLE_CONNECT_PROTOCOL with the value %d", value)}
		}
		seen[id] = true
		extended = extended || id == settingConnectProtocol && value == 1
	}
	return extended, nil
}
