package http2_test

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport/http2"
)

// Every byte up to the request of the first stream.
func TestTheBytesOfTheBeginning(t *testing.T) {
	client, server := connected(t)
	p := newPeer(t, server)
	p.check(p.WriteSettings(extendedConnect))
	c, err := http2.NewConn(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	reserve(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.OpenStream(ctx, &http.Request{
			URL:  &url.URL{Scheme: "https", Host: "example.com", Path: "/chat"},
			Host: "example.com",
			Header: http.Header{
				"Origin": {"https://x.y"}, "Cookie": {"a=b"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"v1"},
			},
		})
	}()
	for _, want := range []struct{ what, bytes string }{
		{"preface", hex.EncodeToString([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))},
		{"SETTINGS", "000012 04 00 00000000"},
		{"ENABLE_PUSH = 0", "0002 00000000"},
		{"INITIAL_WINDOW_SIZE = 256 KiB", "0004 00040000"},
		{"MAX_HEADER_LIST_SIZE = 32 KiB", "0006 00008000"},
		{"WINDOW_UPDATE", "000004 08 00 00000000 3fff0001"},
		{"SETTINGS, ACK", "000000 04 01 00000000"},
		{"HEADERS, END_HEADERS", "00006a 01 04 00000001"},
		{":method, in the table: CONNECT", "43 07 434f4e4e454354"},
		{":protocol: websocket", "40 87 b95d8749c87a3f 87 f058d072752a7f"},
		{":scheme: https, in the table", "87"},
		{":path, in the table: /chat", "45 84 60938d3f"},
		{":authority, in the table: example.com", "41 88 2f91d35d055c87a7"},
		{"sec-websocket-version: 13", "40 8f 4148b782c68393a952b772d8831eaf 02 3133"},
		{"cookie, in the table, never to be indexed: a=b", "1f11 03 613d62"},
		{"origin: https://x.y", "40 85 3d8698d57f 89 9d29ad171863cafebf"},
		{"sec-websocket-protocol: v1", "40 8f 4148b782c68393a952b5761d2721e8 02 7631"},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(want.bytes, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(b))
		if n, err := io.ReadFull(server, got); string(got) != string(b) {
			t.Fatalf("%s: %x, %v; want %x", want.what, got[:n], err, b)
		}
	}
	cancel()
	p.expectReset(1, h2.ErrCodeCancel)
	await(t, "OpenStream", done)
	server.Close()
	await(t, "the end", c.Done())
}

// asked returns the fields with which r is asked for, each as name and value, or
// the error.
func asked(t *testing.T, r *http.Request) ([]string, error) {
	c, p := meet(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, _, err := c.OpenStream(ctx, r)
		failed <- err
	}()
	f, err := p.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	headers, ok := f.(*h2.MetaHeadersFrame)
	if !ok { // the connection ends: there will be no stream
		return nil, <-failed
	}
	if headers.StreamEnded() {
		t.Error("the request has END_STREAM")
	}
	var list []string
	for _, field := range headers.Fields {
		text := field.Name + ": " + field.Value
		if field.Sensitive {
			text += " (sensitive)"
		}
		list = append(list, text)
	}
	cancel()
	<-failed
	return list, nil
}

func TestRequests(t *testing.T) {
	for _, test := range []struct {
		name   string
		url    string
		host   string
		header http.Header
		want   string // after :method, :protocol
	}{
		{"https", "https://example.com/chat?room=1", "", nil,
			":scheme: https|:path: /chat?room=1|:authority: example.com|sec-websocket-version: 13"},
		{"http, a port, no path", "http://example.com:8080", "", nil,
			":scheme: http|:path: /|:authority: example.com:8080|sec-websocket-version: 13"},
		{"the host of the request", "https://10.0.0.1/", "example.com", nil,
			":scheme: https|:path: /|:authority: example.com|sec-websocket-version: 13"},
		{"a query with bytes that must be escaped", "https://h/?a=b c\u00e9\"", "", nil,
			":scheme: https|:path: /?a=b%20c%C3%A9\"|:authority: h|sec-websocket-version: 13"},
		{"fields in lower case, in order, trimmed", "https://h/", "", http.Header{"X-B": {"2", " 3\t"}, "x-a": {"1"}, "Origin": {"https://h"}},
			":scheme: https|:path: /|:authority: h|sec-websocket-version: 13|origin: https://h|x-b: 2|x-b: 3|x-a: 1"},
		{"fields of the connection", "https://h/", "", http.Header{
			"Connection": {"Upgrade, X-Hop", "keep-alive"}, "X-Hop": {"1"}, "Upgrade": {"websocket"}, "Keep-Alive": {"timeout=5"}, "Te": {"gzip"},
			"Transfer-Encoding": {"chunked"}, "Proxy-Connection": {"keep-alive"}, "Http2-Settings": {"AAAA"}, "Host": {"evil"}, "Content-Length": {"5"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"8"}, "X-Kept": {"yes"},
		}, ":scheme: https|:path: /|:authority: h|sec-websocket-version: 13|x-kept: yes"},
		{"secrets", "https://h/", "", http.Header{"Authorization": {"Basic x"}, "Cookie": {"a=b; c=d"}, "Proxy-Authorization": {"y"}},
			":scheme: https|:path: /|:authority: h|sec-websocket-version: 13|authorization: Basic x (sensitive)|cookie: a=b; c=d (sensitive)|proxy-authorization: y (sensitive)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u, err := url.Parse(test.url)
			if err != nil {
				t.Fatal(err)
			}
			got, err := asked(t, &http.Request{URL: u, Host: test.host, Header: test.header})
			want := append([]string{":method: CONNECT", ":protocol: websocket"}, strings.Split(test.want, "|")...)
			if !slices.Equal(got, want) || err != nil {
				t.Errorf("asked for\n%q, %v; want\n%q", got, err, want)
			}
		})
	}
}

func TestRequestsThatCannotBeMade(t *testing.T) {
	for _, test := range []struct {
		name   string
		url    url.URL
		header http.Header
		want   string
	}{
		{"a scheme of WebSocket", url.URL{Scheme: "wss", Host: "h", Path: "/"}, nil, "scheme"},
		{"no host", url.URL{Scheme: "https", Path: "/"}, nil, "host"},
		{"a host with a line break", url.URL{Scheme: "https", Host: "a\r\nb", Path: "/"}, nil, "host"},
		{"an opaque URL", url.URL{Scheme: "https", Host: "h", Opaque: "x"}, nil, "slash"},
		{"a name that is none", url.URL{Scheme: "https", Host: "h", Path: "/"}, http.Header{"a b": {"c"}}, `"a b"`},
		{"a pseudo-header field", url.URL{Scheme: "https", Host: "h", Path: "/"}, http.Header{":path": {"/etc"}}, `":path"`},
		{"a value with a line break", url.URL{Scheme: "https", Host: "h", Path: "/"}, http.Header{"X": {"a\r\nb"}}, "control character"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := asked(t, &http.Request{URL: &test.url, Header: test.header}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("asked for %q, %v; want an error about %s", got, err, test.want)
			}
		})
	}
	if _, err := asked(t, &http.Request{}); err == nil {
		t.Error("a request without a URL was made")
	}
}

// A header of more than a frame goes on in CONTINUATION frames.
func TestALargeRequest(t *testing.T) {
	large := strings.Repeat("\\", 40_000) // which Huffman's code does not make shorter
	got, err := asked(t, &http.Request{URL: &url.URL{Scheme: "https", Host: "h", Path: "/"}, Header: http.Header{"X": {large}}})
	if err != nil || got[len(got)-1] != "x: "+large {
		t.Errorf("%d fields, %v", len(got), err)
	}
}

func TestARequestThatIsTooLargeForTheServer(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingMaxHeaderListSize, Val: 200})
	_, _, err := c.OpenStream(t.Context(), request("/"+strings.Repeat("x", 200)))
	if err == nil || !strings.Contains(err.Error(), "200 bytes") {
		t.Errorf("OpenStream: %v", err)
	}
	p.expectGoodbye(h2.ErrCodeNo)
}

// Secrets are literals that are never indexed
// (https://www.rfc-editor.org/rfc/rfc7541#section-6.2.3), and a server that wants
// no table gets none.
func TestTheTableOfTheServer(t *testing.T) {
	c, p := meet(t, h2.Setting{ID: h2.SettingHeaderTableSize, Val: 0})
	p.ReadMetaHeaders = nil
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go c.OpenStream(ctx, request("/a"))
	f := p.expect(h2.FrameHeaders).(*h2.HeadersFrame)
	if block := f.HeaderBlockFragment(); block[0] != 0x20 || block[1]>>4 != 0 {
		t.Errorf("the request begins with %x; want a table of size 0 and a literal without indexing", block[:2])
	}
}
