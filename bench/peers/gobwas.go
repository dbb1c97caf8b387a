package peers

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveGobwas(l net.Listener, mode raw.Mode) error {
	return acceptRaw(l, func(c net.Conn) {
		defer c.Close()
		upgrader := ws.Upgrader{}
		if mode.Compresses() {
			extension := wsflate.Extension{Parameters: wsflate.DefaultParameters}
			upgrader.Negotiate = extension.Negotiate
		}
		if _, err := upgrader.Upgrade(c); err != nil {
			return
		}
		for r := bufio.NewReader(c); ; {
			if err := echoGobwas(c, r, mode.Compresses()); err != nil {
				return
			}
		}
	})
}

// broadcastGobwas sends frames that were made once.
func broadcastGobwas(l net.Listener) error {
	var all members[net.Conn]
	return acceptRaw(l, func(c net.Conn) {
		defer c.Close()
		if _, err := ws.Upgrade(c); err != nil {
			return
		}
		defer all.join(c)()
		if err := send(c, ws.Header{Fin: true, OpCode: ws.OpText}, []byte(Greeting)); err != nil {
			return
		}
		for r := bufio.NewReader(c); ; {
			p, op, err := wsutil.ReadClientData(readWriter{r, c})
			if err != nil {
				return
			}
			frame, err := ws.CompileFrame(ws.NewFrame(op, true, p))
			if err != nil {
				return
			}
			all.each(func(c net.Conn) { c.Write(frame) }) // its own reader sees that it has ended
		}
	})
}

// readWriter reads from a buffer.
type readWriter struct {
	io.Reader
	io.Writer
}

// errGobwas ends a connection that sends what this server has no use for.
var errGobwas = errors.New("not a whole message")

// echoGobwas reads a message of one frame from r and sends it back.
func echoGobwas(c net.Conn, r io.Reader, compresses bool) error {
	h, err := ws.ReadHeader(r)
	switch {
	case err != nil:
		return err
	case h.OpCode.IsControl():
		return wsutil.ControlHandler{Src: r, Dst: c, State: ws.StateServerSide}.Handle(h)
	case !h.Fin || !h.OpCode.IsData() || h.Length > maxMessage:
		return errGobwas
	}
	z := gobwasPool.Get().(*gobwasMessage)
	defer gobwasPool.Put(z)
	z.in = sized(z.in, int(h.Length))
	if _, err := io.ReadFull(r, z.in); err != nil {
		return err
	}
	ws.Cipher(z.in, h.Mask, 0)
	if !compresses {
		return send(c, ws.Header{Fin: true, OpCode: h.OpCode}, z.in)
	}
	message, err := z.message(h.Rsv1())
	if err != nil {
		return err
	}
	return z.send(c, h.OpCode, message)
}

// gobwasMessage is what a message needs, in a pool: its bytes, and what compresses once
// it has.
type gobwasMessage struct {
	in       []byte
	src      bytes.Reader
	inflated bytes.Buffer
	deflated bytes.Buffer
	reader   *wsflate.Reader
	writer   *wsflate.Writer
}

var gobwasPool = sync.Pool{New: func() any { return new(gobwasMessage) }}

// message returns what came in, decompressed if it is compressed.
func (z *gobwasMessage) message(compressed bool) ([]byte, error) {
	if !compressed {
		return z.in, nil
	}
	if z.reader == nil {
		z.reader = wsflate.NewReader(&z.src, func(r io.Reader) wsflate.Decompressor { return resettable{flate.NewReader(r)} })
	}
	z.src.Reset(z.in)
	z.reader.Reset(&z.src)
	z.inflated.Reset()
	_, err := z.inflated.ReadFrom(io.LimitReader(z.reader, maxMessage))
	return z.inflated.Bytes(), err
}

// resettable is a reader of the standard library as wsflate can use it again.
type resettable struct{ io.ReadCloser }

func (r resettable) Reset(src io.Reader) { r.ReadCloser.(flate.Resetter).Reset(src, nil) }

// send compresses a message and sends it.
func (z *gobwasMessage) send(c net.Conn, op ws.OpCode, p []byte) error {
	if z.writer == nil {
		z.writer = wsflate.NewWriter(&z.deflated, func(w io.Writer) wsflate.Compressor {
			c, _ := flate.NewWriter(w, flate.BestSpeed) // a level that exists
			return c
		})
	}
	z.deflated.Reset()
	z.writer.Reset(&z.deflated)
	if _, err := z.writer.Write(p); err != nil {
		return err
	}
	if err := z.writer.Flush(); err != nil {
		return err
	}
	return send(c, ws.Header{Fin: true, OpCode: op, Rsv: ws.Rsv(true, false, false)}, z.deflated.Bytes())
}

// send sends a frame in one write.
func send(c net.Conn, h ws.Header, p []byte) error {
	h.Length = int64(len(p))
	var head bytes.Buffer
	if err := ws.WriteHeader(&head, h); err != nil {
		return err
	}
	_, err := (&net.Buffers{head.Bytes(), p}).WriteTo(c)
	return err
}

// sized returns p with a length of n, or another with that length.
func sized(p []byte, n int) []byte {
	if cap(p) < n {
		return make([]byte, n)
	}
	return p[:n]
}
