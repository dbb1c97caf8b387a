package main

import (
	"bufio"
	"io"
)

// piped is an input that is no terminal, or one without line editing.
type piped struct {
	in   *bufio.Reader
	line []byte
}

func newPiped(r io.Reader) *piped { return &piped{in: bufio.NewReaderSize(r, 64<<10)} }

func (p *piped) next() ([]byte, error) {
	var err error
	p.line, err = readLine(p.in, p.line[:0])
	return p.line, err
}

func (p *piped) close() {}

// readLine appends the next line, of any length, to dst without its newline. A
// line without newline comes with io.EOF.
func readLine(r *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		dst = append(dst, part...)
		switch err {
		case nil:
			return dst[:len(dst)-1], nil
		case bufio.ErrBufferFull:
		default:
			return dst, err
		}
	}
}
