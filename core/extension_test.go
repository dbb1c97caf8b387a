package core

import (
	"slices"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/internal/digest"
)

// describe writes a list as name;param=value for comparison; false means that
// it is malformed.
func describe(list string) (names []string, ok bool) {
	for list != "" {
		e, rest, ok := cutExtension(list)
		if !ok {
			return nil, false
		}
		if e.name == "" {
			break
		}
		s := e.name
		for p := range e.parameters {
			s += ";" + p.Name
			if p.HasValue {
				s += "=" + p.Value
			}
		}
		names = append(names, s)
		list = rest
	}
	return names, true
}

// RFC 6455 section 9.1.
func TestExtensions(t *testing.T) {
	for _, tt := range []struct {
		list string
		want []string // nil: malformed
	}{
		{"foo", []string{"foo"}},
		{"foo, bar; baz=2", []string{"foo", "bar;baz=2"}},
		{"deflate-stream", []string{"deflate-stream"}},
		{"mux; max-channels=4; flow-control, deflate-stream", []string{"mux;max-channels=4;flow-control", "deflate-stream"}},
		{"private-extension", []string{"private-extension"}},
		{"permessage-deflate; client_max_window_bits", []string{"permessage-deflate;client_max_window_bits"}},
		{`permessage-deflate; server_max_window_bits="10"`, []string{"permessage-deflate;server_max_window_bits=10"}},
		{`permessage-deflate; server_max_window_bits="1\0"`, []string{"permessage-deflate;server_max_window_bits=10"}},
		{"permessage-deflate ;\tclient_max_window_bits = 15 , x", []string{"permessage-deflate;client_max_window_bits=15", "x"}},
		{"a;b;b;b=1;B", []string{"a;b;b;b=1;B"}}, // repeated parameters are the extension's affair
		{" , a ,, b,", []string{"a", "b"}},
		{"__proto__; constructor=1", []string{"__proto__;constructor=1"}},
		{"", nil},
		{",", nil},
		{"a b", nil},
		{"a;", nil},
		{"a;;b", nil},
		{";a", nil},
		{"a;=1", nil},
		{"a;b=", nil},
		{"a;b=,c", nil},
		{"a=1", nil},
		{"a;b=c=d", nil},
		{"a;b=c d", nil},
		{`a;b=""`, nil},
		{`a;b="c d"`, nil},
		{`a;b="c,d"`, nil},
		{`a;b="c;d"`, nil},
		{`a;b="c`, nil},
		{`a;b="c\`, nil},
		{`a;b="c\"`, nil},
		{`a;b="c\""`, nil}, // unescaped it has a quote, which is no token
		{`a;b="c"d`, nil},
		{`"a"`, nil},
		{`a;"b"`, nil},
		{"a/b", nil},
		{"caf\xc3\xa9", nil},
		{"a;b=\x00", nil},
	} {
		list := fields{{"Sec-WebSocket-Extensions", tt.list}}
		if got := list.areExtensions(); got != (tt.want != nil) {
			t.Errorf("%q: valid %v", tt.list, got)
		}
		if tt.want == nil {
			continue
		}
		if got, ok := describe(tt.list); !ok || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, %v, want %q", tt.list, got, ok, tt.want)
		}
	}
}

func TestExtensionsOverLines(t *testing.T) {
	line := func(values ...string) (list fields) {
		for _, v := range values {
			list = append(list, Field{"sec-websocket-extensions", v})
		}
		return list
	}
	for _, tt := range []struct {
		list fields
		want bool
	}{
		{line(), true},
		{line("foo", "bar; baz=2"), true},
		{line("", "foo"), true},
		{line("", ","), false},
		{line("foo", "bar;"), false},
		{line(`foo; a="b`, `c"`), false},
	} {
		if got := tt.list.areExtensions(); got != tt.want {
			t.Errorf("%q: %v", tt.list, got)
		}
	}
}

func TestExtensionParametersStop(t *testing.T) {
	e, _, _ := cutExtension("a;b;c;d")
	n := 0
	for p := range e.parameters {
		if n++; p.Name == "c" {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d parameters, want 2", n)
	}
}

func TestExtensionsDoNotAllocate(t *testing.T) {
	list := fields{{"Sec-WebSocket-Extensions", `permessage-deflate; client_max_window_bits; server_max_window_bits="10", x-webkit-deflate-frame`}}
	n := testing.AllocsPerRun(100, func() {
		if !list.areExtensions() {
			t.Fatal("not valid")
		}
		e, _, _ := cutExtension(list[0].Value)
		for p := range e.parameters {
			if p.Name == "" {
				t.Fatal("no name")
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzExtensions(f *testing.F) {
	seen := digest.Of(f)
	f.Add("permessage-deflate; client_max_window_bits, foo; bar=\"b\\a\\z\"")
	f.Add(`a;b="c\`)
	f.Fuzz(func(t *testing.T, list string) {
		names, ok := describe(list)
		seen.Add(names, ok)
		if !ok {
			return
		}
		again, ok := describe(strings.Join(names, ", "))
		if !ok || !slices.Equal(names, again) {
			t.Errorf("%q is %q, which is %q, %v", list, names, again, ok)
		}
	})
}
