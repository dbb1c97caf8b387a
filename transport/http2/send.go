package http2

import (
	"encoding/binary"
	"fmt"
	"sync"

	h2 "golang.org/x/net/http2"
)

// batchSize is how many bytes one write to the connection is given, or a little
// more.
const batchSize = 64 << 10

const frameHeader = 9

// A batch is borrowed while there is output.
type batch struct{ p []byte }

var batches = sync.Pool{New: func() any { return &batch{make([]byte, 0, batchSize)} }}

// startWriting lets writeLoop find what there is to do. The lock is held.
func (c *Conn) startWriting() {
	if !c.writing {
		c.writing = true
		c.writers.Add(1)
		go c.write()
	}
}

// want lets s have its turn if it can do something with it. The lock is held.
func (c *Conn) want(s *Stream) {
	if s.list == nil && s.sendable() {
		c.ready.push(s)
		c.startWriting()
	}
}

// writeLoop writes the output, says goodbye if the connection ends, and lives no
// longer.
func (c *Conn) writeLoop() {
	defer c.writers.Done()
	b := batches.Get().(*batch)
	more, last := c.fill(b)
	for ; more; more, last = c.fill(b) {
		if _, err := c.conn.Write(b.p); err != nil {
			c.broken(err)
		}
	}
	if last {
		c.endOutput()
	}
	if cap(b.p) <= 2*batchSize {
		batches.Put(b)
	}
}

func (c *Conn) broken(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(fmt.Errorf("http2: the connection is lost: %w", err), 0)
}

// fill collects what is to be written next. It reports whether there is something,
// and if not, whether there never will be.
func (c *Conn) fill(b *batch) (more, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendRequests()
	b.p = append(b.p[:0], c.control.Bytes()...)
	c.control.Reset()
	b.p = c.appendData(b.p)
	more, last = len(b.p) > 0, c.err != nil
	c.writing = more || last
	return more, last
}

// sendRequests writes the requests of streams, in the order of their numbers.
func (c *Conn) sendRequests() {
	for len(c.opening) > 0 && c.control.Len() < batchSize/2 {
		s := c.opening[0]
		c.opening[0] = nil
		c.opening = c.opening[1:]
		c.sendRequest(s)
	}
}

func (c *Conn) sendRequest(s *Stream) {
	s.id = c.nextID()
	s.sendWindow = c.settings.window
	c.streams[s.id] = s
	c.block.Reset()
	for _, f := range s.question.fields {
		c.hpack.WriteField(f)
	}
	s.question.fields = nil
	rest := c.block.Bytes()
	part := rest[:min(len(rest), frameSize)]
	rest = rest[len(part):]
	c.framer.WriteHeaders(h2.HeadersFrameParam{StreamID: s.id, BlockFragment: part, EndHeaders: len(rest) == 0})
	for len(rest) > 0 {
		part = rest[:min(len(rest), frameSize)]
		rest = rest[len(part):]
		c.framer.WriteContinuation(s.id, len(rest) == 0, part)
	}
}

// nextID numbers a stream (https://www.rfc-editor.org/rfc/rfc9113#section-5.1.1).
func (c *Conn) nextID() uint32 {
	if c.lastID == 0 {
		c.lastID = 1
	} else {
		c.lastID += 2
	}
	return c.lastID
}

// appendData appends DATA frames, of one stream after the other, while there is
// room for one more.
func (c *Conn) appendData(p []byte) []byte {
	for len(p)+frameHeader+frameSize <= batchSize {
		s := c.ready.pop()
		if s == nil {
			break
		}
		if c.sendWindow <= 0 && s.out.Len() > 0 {
			c.held.push(s)
			continue
		}
		if s.sendable() {
			p = c.appendFrame(p, s)
			c.want(s)
		}
	}
	return p
}

// appendFrame appends a DATA frame of s
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.1).
func (c *Conn) appendFrame(p []byte, s *Stream) []byte {
	n := int(min(int64(s.out.Len()), frameSize, max(s.sendWindow, 0), max(c.sendWindow, 0)))
	var flags h2.Flags
	if s.fin && n == s.out.Len() {
		flags = h2.FlagDataEndStream
	}
	p = append(p, byte(n>>16), byte(n>>8), byte(n), byte(h2.FrameData), byte(flags))
	p = binary.BigEndian.AppendUint32(p, s.id)
	s.out.Read(p[len(p) : len(p)+n])
	p = p[:len(p)+n]
	c.sendWindow -= int64(n)
	s.sent(n, flags != 0)
	return p
}

// endOutput tells the server that nothing more comes, so that it ends the
// connection. The rest is for readLoop.
func (c *Conn) endOutput() {
	if h, ok := c.conn.(interface{ CloseWrite() error }); ok && h.CloseWrite() == nil {
		return
	}
	c.conn.Close()
}
