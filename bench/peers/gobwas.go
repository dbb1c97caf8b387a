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

	"github.com/fb1e3c20/websockets/bench/raw"
)

func serveGobwas(l net.Listener, _ raw.Mode) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			extension := wsflate.Extension{Parameters: wsflate.DefaultParameters}
			upgrader := ws.Upgrader{Negotiate: extension.Negotiate}
			if _, err := upgrader.Upgrade(c); err != nil {
				return
			}
			for r := bufio.NewReader(c); ; {
				if err := echoGobwas(c, r); err != nil {
					return
				}
			}
		}()
	}
}

// errGobwas ends a connection that sends what this server has no use for.
var errGobwas = errors.New("not a whole message")

// echoGobwas reads a message of one frame from r and sends it back.
func echoGobwas(c net.Conn, r io.Reader) error {
	z := gobwasPool.Get().(*gobwasFlate)
	defer gobwasPool.Put(z)
	h, err := ws.ReadHeader(r)
	switch {
	case err != nil:
		return err
	case !h.Fin || !h.OpCode.IsData() || h.Length > maxMessage:
		return errGobwas
	}
	z.in = sized(z.in, int(h.Length))
	if _, err := io.ReadFull(r, z.in); err != nil {
		return err
	}
	ws.Cipher(z.in, h.Mask, 0)
	message := z.in
	if h.Rsv1() {
		z.src.Reset(z.in)
		z.reader.Reset(&z.src)
		z.message.Reset()
		if _, err := z.message.ReadFrom(io.LimitReader(z.reader, maxMessage)); err != nil {
			return err
		}
		message = z.message.Bytes()
	}
	return z.send(c, h.OpCode, message)
}

// gobwasFlate is what a message needs, in a pool.
type gobwasFlate struct {
	in           []byte
	src          bytes.Reader
	message, out bytes.Buffer
	reader       *wsflate.Reader
	writer       *wsflate.Writer
}

var gobwasPool = sync.Pool{New: func() any {
	z := &gobwasFlate{}
	z.reader = wsflate.NewReader(&z.src, func(r io.Reader) wsflate.Decompressor {
		return resettable{flate.NewReader(r)}
	})
	z.writer = wsflate.NewWriter(&z.out, func(w io.Writer) wsflate.Compressor {
		c, _ := flate.NewWriter(w, flate.BestSpeed) // a level that exists
		return c
	})
	return z
}}

// resettable is a reader of the standard library as wsflate can use it again.
type resettable struct{ io.ReadCloser }

func (r resettable) Reset(src io.Reader) { r.ReadCloser.(flate.Resetter).Reset(src, nil) }

// send writes a message in one write.
func (z *gobwasFlate) send(c net.Conn, op ws.OpCode, p []byte) error {
	z.out.Reset()
	z.writer.Reset(&z.out)
	if _, err := z.writer.Write(p); err != nil {
		return err
	}
	if err := z.writer.Flush(); err != nil {
		return err
	}
	h := ws.Header{Fin: true, OpCode: op, Rsv: ws.Rsv(true, false, false), Length: int64(z.out.Len())}
	var head bytes.Buffer
	if err := ws.WriteHeader(&head, h); err != nil {
		return err
	}
	_, err := (&net.Buffers{head.Bytes(), z.out.Bytes()}).WriteTo(c)
	return err
}

// sized returns p with a length of n, or another with that length.
func sized(p []byte, n int) []byte {
	if cap(p) < n {
		return make([]byte, n)
	}
	return p[:n]
}
