package http2

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"

	"github.com/fb1e3c20/websockets/internal/escape"
)

// requestFields returns the header of the request that opens a WebSocket
// (https://www.rfc-editor.org/rfc/rfc8441#section-4). The fields of r come in the
// order of their names.
func requestFields(r *http.Request) ([]hpack.HeaderField, error) {
	if r.URL == nil || r.URL.Scheme != "https" && r.URL.Scheme != "http" {
		return nil, errors.New("http2: the URL of a request needs the scheme https or http")
	}
	host, path := r.Host, escape.Target(r.URL.RequestURI())
	if host == "" {
		host = r.URL.Host
	}
	if host == "" || !httpguts.ValidHostHeader(host) {
		return nil, fmt.Errorf("http2: the host %q cannot be asked for", host)
	}
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("http2: the path %q does not begin with a slash", path)
	}
	list := []hpack.HeaderField{
		{Name: ":method", Value: http.MethodConnect},
		{Name: ":protocol", Value: "websocket"},
		{Name: ":scheme", Value: r.URL.Scheme},
		{Name: ":path", Value: path},
		{Name: ":authority", Value: host},
		{Name: "sec-websocket-version", Value: "13"},
	}
	return appendHeader(list, r.Header)
}

func appendHeader(list []hpack.HeaderField, h http.Header) ([]hpack.HeaderField, error) {
	named := connectionOptions(h)
	for _, key := range slices.Sorted(maps.Keys(h)) {
		name := strings.ToLower(key)
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("http2: the header field name %q is not a token", key)
		}
		if ofConnection[name] || left[name] || named[name] {
			continue
		}
		for _, value := range h[key] {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("http2: the value of the header field %s has a control character", key)
			}
			list = append(list, hpack.HeaderField{Name: name, Value: strings.Trim(value, " \t"), Sensitive: secret[name]})
		}
	}
	return list, nil
}

// ofConnection are the fields that only HTTP/1.1 has
// (https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2).
var ofConnection = map[string]bool{
	"connection": true, "proxy-connection": true, "keep-alive": true, "transfer-encoding": true, "upgrade": true,
}

// left are further fields that the request is sent without: they are said
// otherwise, or say nothing.
var left = map[string]bool{
	"host": true, "content-length": true, "te": true, "http2-settings": true,
	"sec-websocket-key": true, "sec-websocket-version": true,
}

// secret are the fields that nobody on the way may put into a table
// (https://www.rfc-editor.org/rfc/rfc7541#section-7.1.3).
var secret = map[string]bool{"authorization": true, "proxy-authorization": true, "cookie": true}

// connectionOptions returns the names in the Connection field: they are as much of
// the connection as that field.
func connectionOptions(h http.Header) map[string]bool {
	named := make(map[string]bool)
	for _, value := range h.Values("Connection") {
		for name := range strings.SplitSeq(value, ",") {
			named[strings.ToLower(strings.Trim(name, " \t"))] = true
		}
	}
	return named
}

// listSize is the size of a header as SETTINGS_MAX_HEADER_LIST_SIZE counts it.
func listSize(list []hpack.HeaderField) (n uint64) {
	for _, f := range list {
		n += uint64(f.Size())
	}
	return n
}
