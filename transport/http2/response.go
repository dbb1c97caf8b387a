package http2

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fb1e3c20/websockets/transport"
)

const (
	// maxInterim is how many responses of 1xx may come before the one that counts.
	maxInterim = 8

	// How much of the body of a refusal is read, and for how long it may take: it
	// tells why, but nobody needs it.
	maxRefusal      = 4 << 10
	refusalPatience = time.Second
)

// A question is the request of a stream that is not open yet.
type question struct {
	fields   []hpack.HeaderField // until they are sent
	interim  int                 // responses of 1xx
	answered chan struct{}       // closed when what follows is valid
	status   int                 // 0 if there is an error
	header   http.Header
	err      error
}

// over reports whether there is an answer, or an error. The lock is held.
func (q *question) over() bool { return q.status != 0 || q.err != nil }

func (q *question) fail(err error) {
	if !q.over() {
		q.err = err
		close(q.answered)
	}
}

func (q *question) succeed(status int, h http.Header) {
	q.status, q.header = status, h
	close(q.answered)
}

// answered reports whether the request has been answered. The lock is held.
func (s *Stream) answered() bool { return s.question == nil || s.question.over() }

// onHeaders takes a response, or the trailers behind one, which mean nothing
// (https://www.rfc-editor.org/rfc/rfc9113#section-8.1). The lock is held.
func (s *Stream) onHeaders(f *h2.MetaHeadersFrame) error {
	switch {
	case s.peerEnded:
		return malformed(s.id, h2.ErrCodeStreamClosed, "HEADERS after END_STREAM")
	case !s.answered():
		return s.onResponse(f)
	case !f.StreamEnded():
		return malformed(s.id, h2.ErrCodeProtocol, "trailers without END_STREAM")
	case len(f.PseudoFields()) > 0:
		return malformed(s.id, h2.ErrCodeProtocol, "trailers with a pseudo-header field")
	}
	s.end(io.EOF)
	return nil
}

func (s *Stream) onResponse(f *h2.MetaHeadersFrame) error {
	if f.Truncated {
		return malformed(s.id, h2.ErrCodeEnhanceYourCalm, "a response whose header has more than %d bytes", maxHeader)
	}
	status, err := statusOf(f)
	if err != nil {
		return malformed(s.id, h2.ErrCodeProtocol, "a response %w", err)
	}
	if status < 200 {
		if s.question.interim++; f.StreamEnded() || s.question.interim > maxInterim {
			return malformed(s.id, h2.ErrCodeProtocol, "%d responses of 1xx and no other", s.question.interim)
		}
		return nil
	}
	h := make(http.Header)
	for _, field := range f.RegularFields() {
		if ofConnection[field.Name] {
			return malformed(s.id, h2.ErrCodeProtocol, "a response with the field %s, which is for HTTP/1.1", field.Name)
		}
		h.Add(field.Name, field.Value)
	}
	s.question.succeed(status, h)
	if f.StreamEnded() {
		s.end(io.EOF)
	}
	return nil
}

// statusOf returns the status of a response: its only pseudo-header field, three
// digits (https://www.rfc-editor.org/rfc/rfc9113#section-8.3.2).
func statusOf(f *h2.MetaHeadersFrame) (int, error) {
	pseudo := f.PseudoFields()
	if len(pseudo) != 1 || pseudo[0].Name != ":status" {
		return 0, fmt.Errorf("without :status, or with pseudo-header fields of a request")
	}
	text := pseudo[0].Value
	status, err := strconv.ParseUint(text, 10, 16)
	if err != nil || len(text) != 3 || status < 100 || status == http.StatusSwitchingProtocols {
		return 0, fmt.Errorf("with the status %q", text)
	}
	return int(status), nil
}

// giveUp takes the request back, unless it has been answered.
func (s *Stream) giveUp() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.question.over() {
		return false
	}
	s.cancel(h2.ErrCodeCancel, errClosed)
	return true
}

// answer returns what the server has answered to r.
func (s *Stream) answer(ctx context.Context, r *http.Request) (*Stream, *http.Response, error) {
	q := s.takeAnswer()
	if q.err != nil {
		return nil, nil, q.err
	}
	response := &http.Response{
		Status:     fmt.Sprintf("%d %s", q.status, http.StatusText(q.status)),
		StatusCode: q.status,
		Proto:      "HTTP/2.0", ProtoMajor: 2,
		Header:        q.header,
		Body:          http.NoBody,
		ContentLength: -1,
		Request:       r,
	}
	if state, ok := s.ConnectionState(); ok {
		response.TLS = &state
	}
	if q.status > 299 {
		response.Body = io.NopCloser(bytes.NewReader(s.readRefusal(ctx)))
		return nil, response, s.Abort()
	}
	return s, response, nil
}

// takeAnswer returns the answer, which the stream needs no more.
func (s *Stream) takeAnswer() *question {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	q := s.question
	s.question = nil
	return q
}

// readRefusal reads the beginning of the body of a refusal.
func (s *Stream) readRefusal(ctx context.Context) []byte {
	ctx, cancel := context.WithTimeout(ctx, refusalPatience)
	defer cancel()
	defer context.AfterFunc(ctx, s.KickRead)()
	body := make(refusal, 0, maxRefusal)
	for len(body) < maxRefusal && ctx.Err() == nil {
		n, err := s.AwaitRead(&body)
		body = body[:len(body)+n]
		if err != nil && err != transport.ErrKicked {
			break
		}
	}
	return body
}

// A refusal lends what it has not filled.
type refusal []byte

func (r *refusal) Borrow() []byte { return (*r)[len(*r):cap(*r)] }
func (r *refusal) Return()        {}
