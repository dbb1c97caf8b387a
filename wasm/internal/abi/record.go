package abi

import "github.com/fb1e3c20/websockets/core"

// AppendString appends a string to a record.
//
//go:noinline
func AppendString(dst []byte, s string) []byte {
	return append(AppendUint32(dst, uint32(len(s))), s...)
}

// AppendUint32 appends a number to a record.
//
//go:noinline
func AppendUint32(dst []byte, v uint32) []byte {
	return append(dst, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

// AppendFields appends header fields to a record.
//
//go:noinline
func AppendFields(dst []byte, list []core.Field) []byte {
	dst = AppendUint32(dst, uint32(len(list)))
	for _, f := range list {
		dst = AppendString(AppendString(dst, f.Name), f.Value)
	}
	return dst
}

// AppendClient appends the record of a client's handshake.
func AppendClient(dst []byte, o core.RequestOptions) []byte {
	dst = AppendString(AppendString(dst, o.Host), o.Target)
	dst = AppendUint32(dst, uint32(len(o.Subprotocols)))
	for _, name := range o.Subprotocols {
		dst = AppendString(dst, name)
	}
	return AppendFields(dst, o.Header)
}

// AppendRequest appends the record of a request.
func AppendRequest(dst []byte, r *core.Request) []byte {
	dst = AppendString(AppendString(AppendString(dst, r.Method), r.Target), r.Proto)
	return AppendFields(dst, r.Fields)
}

// AppendResponse appends the record of a response.
func AppendResponse(dst []byte, r *core.Response, subprotocol string) []byte {
	dst = AppendUint32(dst, uint32(r.Status))
	dst = AppendString(AppendString(AppendString(dst, r.Reason), r.Proto), subprotocol)
	return AppendFields(dst, r.Fields)
}

// AppendAccept appends the record of an answer that accepts.
func AppendAccept(dst []byte, o core.AcceptOptions) []byte {
	return AppendFields(AppendString(dst, o.Subprotocol), o.Header)
}

// AppendReject appends the record of an answer that refuses.
func AppendReject(dst []byte, o core.RejectOptions) []byte {
	dst = AppendFields(AppendUint32(dst, uint32(o.Status)), o.Header)
	return append(AppendUint32(dst, uint32(len(o.Body))), o.Body...)
}

// A Reader reads a record. After the first thing that is not there everything
// is zero, and Done is false.
type Reader struct {
	b   []byte
	bad bool
}

// NewReader returns a Reader of the record b.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Done reports whether the record was read to its end, and no further.
func (r *Reader) Done() bool { return !r.bad && len(r.b) == 0 }

// Uint32 reads a number.
//
//go:noinline
func (r *Reader) Uint32() uint32 {
	if len(r.b) < 4 {
		r.b, r.bad = nil, true
		return 0
	}
	v := Uint32(r.b)
	r.b = r.b[4:]
	return v
}

// Bytes reads a string; they are the record's.
func (r *Reader) Bytes() []byte {
	n := uint64(r.Uint32())
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

// String reads a string.
//
//go:noinline
func (r *Reader) String() string { return string(r.Bytes()) }

// count reads how many elements follow, of at least size bytes each.
func (r *Reader) count(size int) int {
	n := uint64(r.Uint32())
	if n*uint64(size) > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return 0
	}
	return int(n)
}

// Strings reads a list.
func (r *Reader) Strings() []string {
	n := r.count(4)
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, r.String())
	}
	return list
}

// Fields reads header fields.
//
//go:noinline
func (r *Reader) Fields() []core.Field {
	n := r.count(8)
	if n == 0 {
		return nil
	}
	list := make([]core.Field, 0, n)
	for range n {
		list = append(list, core.Field{Name: r.String(), Value: r.String()})
	}
	return list
}

// Client reads the record of a client's handshake.
func (r *Reader) Client() core.RequestOptions {
	return core.RequestOptions{Host: r.String(), Target: r.String(), Subprotocols: r.Strings(), Header: r.Fields()}
}

// Request reads the record of a request.
func (r *Reader) Request() *core.Request {
	return &core.Request{Method: r.String(), Target: r.String(), Proto: r.String(), Fields: r.Fields()}
}

// Response reads the record of a response, and the subprotocol in it.
func (r *Reader) Response() (*core.Response, string) {
	p := &core.Response{Status: int(r.Uint32()), Reason: r.String(), Proto: r.String()}
	subprotocol := r.String()
	p.Fields = r.Fields()
	return p, subprotocol
}

// Accept reads the record of an answer that accepts.
func (r *Reader) Accept() core.AcceptOptions {
	return core.AcceptOptions{Subprotocol: r.String(), Header: r.Fields()}
}

// Reject reads the record of an answer that refuses.
func (r *Reader) Reject() core.RejectOptions {
	return core.RejectOptions{Status: int(r.Uint32()), Header: r.Fields(), Body: r.Bytes()}
}

// Uint32 reads a number from the beginning of p.
func Uint32(p []byte) uint32 {
	_ = p[3]
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
}

// PutUint32 writes a number to the beginning of p.
func PutUint32(p []byte, v uint32) {
	_ = p[3]
	p[0], p[1], p[2], p[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}

// Uint64 reads a number from the beginning of p.
func Uint64(p []byte) uint64 { return uint64(Uint32(p)) | uint64(Uint32(p[4:]))<<32 }

// PutUint64 writes a number to the beginning of p.
func PutUint64(p []byte, v uint64) {
	PutUint32(p, uint32(v))
	PutUint32(p[4:], uint32(v>>32))
}
