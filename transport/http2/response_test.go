package http2_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport/http2"
)

func TestAnswersThatOpen(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(p *peer, id uint32)
	}{
		{"200", func(p *peer, id uint32) {
			p.header(id, false, ":status", "200", "x-a", "1", "sec-websocket-protocol", "v1", "x-a", "2")
		}},
		{"after others of 1xx", func(p *peer, id uint32) {
			p.header(id, false, ":status", "100")
			p.header(id, false, ":status", "103", "link", "</style.css>")
			p.header(id, false, ":status", "200", "x-a", "1", "sec-websocket-protocol", "v1", "x-a", "2")
		}},
		{"padded, with a priority, in three frames", func(p *peer, id uint32) {
			block := p.fields(":status", "200", "x-a", "1", "sec-websocket-protocol", "v1", "x-a", "2")
			p.WriteHeaders(h2.HeadersFrameParam{StreamID: id, BlockFragment: block[:1], PadLength: 200, Priority: h2.PriorityParam{Weight: 1}})
			p.WriteContinuation(id, false, block[1:5])
			p.WriteContinuation(id, true, block[5:])
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			id, result := begin(t, t.Context(), c, p, "/chat")
			test.answer(p, id)
			o := finished(t, result)
			if o.err != nil || o.stream == nil || o.stream.ID() != id {
				t.Fatalf("OpenStream = %+v", o)
			}
			r := o.response
			if r.Status != "200 OK" || r.StatusCode != 200 || r.Proto != "HTTP/2.0" || r.ProtoMajor != 2 || r.ProtoMinor != 0 || r.TLS != nil || r.Request.URL.Path != "/chat" {
				t.Errorf("the response is %+v", r)
			}
			want := http.Header{"X-A": {"1", "2"}, "Sec-Websocket-Protocol": {"v1"}}
			if !maps.EqualFunc(r.Header, want, func(a, b []string) bool { return strings.Join(a, ",") == strings.Join(b, ",") }) {
				t.Errorf("its header is %v; want %v", r.Header, want)
			}
			if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil {
				t.Errorf("its body is %q, %v", body, err)
			}
		})
	}
}

func TestAnEndWithTheAnswer(t *testing.T) {
	c, p := meet(t)
	id, result := begin(t, t.Context(), c, p, "/")
	p.header(id, true, ":status", "204")
	s := finished(t, result).stream
	if _, err := s.TryRead(make([]byte, 1)); err != io.EOF {
		t.Errorf("TryRead: %v; want io.EOF", err)
	}
	if n, err := s.TryWrite([]byte("still")); n != 5 || err != nil {
		t.Errorf("TryWrite = %d, %v", n, err)
	}
	p.expect(h2.FrameData)
}

func TestRefusals(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 10_000)
	for _, test := range []struct {
		name   string
		answer func(p *peer, id uint32)
		status string
		body   string
	}{
		{"with a body", func(p *peer, id uint32) {
			p.header(id, false, ":status", "404", "content-type", "text/plain", "content-length", "9")
			p.WriteData(id, false, []byte("not "))
			p.WriteDataPadded(id, true, []byte("there"), make([]byte, 100))
		}, "404 Not Found", "not there"},
		{"of the version", func(p *peer, id uint32) { p.header(id, true, ":status", "400", "sec-websocket-version", "13") }, "400 Bad Request", ""},
		{"without one", func(p *peer, id uint32) { p.header(id, true, ":status", "302", "location", "/elsewhere") }, "302 Found", ""},
		{"with trailers", func(p *peer, id uint32) {
			p.header(id, false, ":status", "500")
			p.WriteData(id, false, []byte("broken"))
			p.header(id, true, "x-checksum", "1")
		}, "500 Internal Server Error", "broken"},
		{"with a long body", func(p *peer, id uint32) {
			p.header(id, false, ":status", "403")
			p.WriteData(id, false, long)
		}, "403 Forbidden", string(long[:4096])},
		{"with a body that is reset", func(p *peer, id uint32) {
			p.header(id, false, ":status", "403")
			p.WriteData(id, false, []byte("no"))
			p.WriteRSTStream(id, h2.ErrCodeCancel)
		}, "403 Forbidden", "no"},
		{"with a status of no meaning", func(p *peer, id uint32) { p.header(id, true, ":status", "799") }, "799 ", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			id, result := begin(t, t.Context(), c, p, "/")
			test.answer(p, id)
			o := finished(t, result)
			if o.err != nil || o.stream != nil {
				t.Fatalf("OpenStream = %+v", o)
			}
			if body, err := io.ReadAll(o.response.Body); o.response.Status != test.status || string(body) != test.body || err != nil {
				t.Errorf("%s, %q, %v; want %s, %q", o.response.Status, body, err, test.status, test.body)
			}
			p.expectEnd(id)
		})
	}
}

// expectEnd reads to the end of the connection, RST_STREAM perhaps and GOAWAY.
func (p *peer) expectEnd(id uint32) {
	p.t.Helper()
	f, err := p.ReadFrame()
	if reset, ok := f.(*h2.RSTStreamFrame); ok && reset.StreamID == id && reset.ErrCode == h2.ErrCodeCancel {
		f, err = p.ReadFrame()
	}
	if _, ok := f.(*h2.GoAwayFrame); !ok {
		p.t.Errorf("the client sent %v, %v; want GOAWAY", f, err)
	}
}

// A body that does not end is waited for, but not for long.
func TestARefusalWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := meetUnbuffered(t)
		start := time.Now()
		id, result := begin(t, t.Context(), c, p, "/")
		p.header(id, false, ":status", "503")
		p.WriteData(id, false, []byte("wait"))
		p.expectReset(id, h2.ErrCodeCancel)
		p.expect(h2.FrameGoAway)
		o := finished(t, result)
		if body, _ := io.ReadAll(o.response.Body); string(body) != "wait" || o.response.StatusCode != 503 || time.Since(start) != time.Second {
			t.Errorf("%+v, %q after %v", o, body, time.Since(start))
		}
	})
}

// What is wrong with an answer ends the stream, and only that.
func TestMalformedAnswers(t *testing.T) {
	protocol := h2.ErrCodeProtocol
	for _, test := range []struct {
		name   string
		answer func(p *peer, id uint32)
		code   h2.ErrCode
		want   string
	}{
		{"no status", func(p *peer, id uint32) { p.header(id, false, "x", "y") }, protocol, "without :status"},
		{"nothing at all", func(p *peer, id uint32) { p.header(id, false) }, protocol, "without :status"},
		{"a method", func(p *peer, id uint32) { p.header(id, false, ":method", "GET") }, protocol, "without :status"},
		{"a status and a method", func(p *peer, id uint32) { p.header(id, false, ":status", "200", ":method", "GET") }, protocol, "mix of"},
		{"two of them", func(p *peer, id uint32) { p.header(id, false, ":status", "200", ":status", "200") }, protocol, "duplicate"},
		{"another pseudo-header field", func(p *peer, id uint32) { p.header(id, false, ":status", "200", ":x", "y") }, protocol, ":x"},
		{"a status after fields", func(p *peer, id uint32) { p.header(id, false, "x", "y", ":status", "200") }, protocol, "pseudo"},
		{"a status of two digits", func(p *peer, id uint32) { p.header(id, false, ":status", "20") }, protocol, `"20"`},
		{"a status of four digits", func(p *peer, id uint32) { p.header(id, false, ":status", "2000") }, protocol, `"2000"`},
		{"a status with a sign", func(p *peer, id uint32) { p.header(id, false, ":status", "+20") }, protocol, `"+20"`},
		{"a status below 100", func(p *peer, id uint32) { p.header(id, false, ":status", "099") }, protocol, `"099"`},
		{"101", func(p *peer, id uint32) { p.header(id, false, ":status", "101") }, protocol, `"101"`},
		{"upper case", func(p *peer, id uint32) { p.header(id, false, ":status", "200", "X-A", "y") }, protocol, "X-A"},
		{"a line break in a value", func(p *peer, id uint32) { p.header(id, false, ":status", "200", "x", "a\nb") }, protocol, "value"},
		{"a field of HTTP/1.1", func(p *peer, id uint32) { p.header(id, false, ":status", "200", "upgrade", "websocket") }, protocol, "upgrade"},
		{"1xx with an end", func(p *peer, id uint32) { p.header(id, true, ":status", "100") }, protocol, "1xx"},
		{"1xx without an end", func(p *peer, id uint32) {
			for range 9 {
				p.header(id, false, ":status", "103")
			}
		}, protocol, "1xx"},
		{"DATA", func(p *peer, id uint32) { p.WriteData(id, false, []byte("x")) }, protocol, "DATA before"},
		{"padding beyond the frame", func(p *peer, id uint32) {
			p.WriteRawFrame(h2.FrameHeaders, h2.FlagHeadersEndHeaders|h2.FlagHeadersPadded, id, []byte{5, 0x88})
		}, protocol, ""},
		{"a header that is too large", func(p *peer, id uint32) {
			list := []string{":status", "200"}
			for range 4 {
				list = append(list, "x", strings.Repeat("\\", 10_000))
			}
			block := p.fields(list...)
			p.WriteHeaders(h2.HeadersFrameParam{StreamID: id, BlockFragment: block[:16_000]})
			p.WriteContinuation(id, false, block[16_000:32_000])
			p.WriteContinuation(id, true, block[32_000:])
		}, h2.ErrCodeEnhanceYourCalm, "32768 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := meet(t)
			reserve(t, c)
			id, result := begin(t, t.Context(), c, p, "/")
			test.answer(p, id)
			p.expectReset(id, test.code)
			o := finished(t, result)
			if e := (h2.StreamError{}); o.stream != nil || !asError(o.err, &e) || e.Code != test.code || !strings.Contains(o.err.Error(), test.want) {
				t.Errorf("OpenStream = %+v; want an error with %v and %q", o, test.code, test.want)
			}
			accept(t, c, p)
		})
	}
}

func TestResetsInPlaceOfAnAnswer(t *testing.T) {
	for _, test := range []struct {
		code h2.ErrCode
		want error
	}{
		{h2.ErrCodeRefusedStream, http2.ErrRefused},
		{h2.ErrCodeCancel, http2.ErrAborted},
		{h2.ErrCodeNo, http2.ErrAborted},
		{h2.ErrCodeHTTP11Required, http2.ErrNoExtendedConnect},
	} {
		c, p := meet(t)
		reserve(t, c)
		id, result := begin(t, t.Context(), c, p, "/")
		p.check(p.WriteRSTStream(id, test.code))
		o := finished(t, result)
		matches(t, "OpenStream", o.err, test.want, test.code.String())
		if test.code == h2.ErrCodeRefusedStream {
			if c.Reserve() {
				t.Error("a server that has refused a stream is asked for another on the same connection")
			}
			continue
		}
		accept(t, c, p)
	}
}
