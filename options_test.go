package websockets_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
)

// Each mistake is told with its field, what is wrong and, where it helps, what
// was meant; and nothing is sent.
func TestValidate(t *testing.T) {
	for _, test := range []struct {
		field, want string
		change      func(o *websockets.Options)
	}{
		{"PingInterval", "unit", func(o *websockets.Options) { o.PingInterval = 15 }},
		{"PongTimeout", "unit", func(o *websockets.Options) { o.PongTimeout = 999 }},
		{"CloseTimeout", "5ns", func(o *websockets.Options) { o.CloseTimeout = 5 }},
		{"ConnectionTimeout", "unit", func(o *websockets.Options) { o.PingInterval, o.ConnectionTimeout = -1, 58 }},
		{"HandshakeTimeout", "unit", func(o *websockets.Options) { o.HandshakeTimeout = 1 }},
		{"ConnectionTimeout", "longer than PingInterval", func(o *websockets.Options) { o.PingInterval = time.Minute }},
		{"ConnectionTimeout", "longer than PingInterval", func(o *websockets.Options) { o.ConnectionTimeout = 15 * time.Second }},
		{"MaxMessageSize", "1 GiB", func(o *websockets.Options) { o.MaxMessageSize = 1<<30 + 1 }},
		{"MaxFrameSize", "1 GiB", func(o *websockets.Options) { o.MaxFrameSize = 1 << 40 }},
		{"Workers", "from 1", func(o *websockets.Options) { o.Workers = -1 }},
		{"DropIncomingPings", "Default, On or Off", func(o *websockets.Options) { o.DropIncomingPings = 7 }},
		{"Subprotocols", `"a b"`, func(o *websockets.Options) { o.Subprotocols = []string{"ok", "a b"} }},
		{"Subprotocols", `""`, func(o *websockets.Options) { o.Subprotocols = []string{""} }},
		{"Subprotocols", `"v1,v2"`, func(o *websockets.Options) { o.Subprotocols = []string{"v1,v2"} }},
		{"Subprotocols", "twice", func(o *websockets.Options) { o.Subprotocols = []string{"a", "b", "a"} }},
		{"Header", `"Upgrade", which the handshake sets`, func(o *websockets.Options) { o.Header = http.Header{"Upgrade": {"x"}} }},
		{"Header", `"sec-websocket-key", which the handshake sets`, func(o *websockets.Options) { o.Header = http.Header{"sec-websocket-key": {"x"}} }},
		{"Header", `"Host", which the handshake sets`, func(o *websockets.Options) { o.Header = http.Header{"Host": {"x"}} }},
		{"Header", `value of "X-Token"`, func(o *websockets.Options) { o.Header = http.Header{"X-Token": {"a\r\nb: c"}} }},
		{"Header", `name "X Y"`, func(o *websockets.Options) { o.Header = http.Header{"X Y": {"a"}} }},
		{"Header", `name ""`, func(o *websockets.Options) { o.Header = http.Header{"": {"a"}} }},
	} {
		o := websockets.Strict()
		test.change(o)
		err := o.Validate()
		e, ok := errors.AsType[*core.ConfigError](err)
		if !ok || e.Field != test.field || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v; want %s ... %s", err, test.field, test.want)
			continue
		}
		if _, dialErr := websockets.Dial(t.Context(), "ws://192.0.2.1/", o); dialErr == nil || dialErr.Error() != err.Error() {
			t.Errorf("Dial: %v, want %v", dialErr, err)
		}
	}
	for _, o := range []*websockets.Options{
		nil, {}, websockets.Strict(),
		{PingInterval: -1, PongTimeout: -1, CloseTimeout: -1, ConnectionTimeout: -1, HandshakeTimeout: -1},
		{MaxMessageSize: -1, MaxFrameSize: -1, MaxFragments: -1, MaxControlRate: -1, MaxRedirects: -1},
		{MaxMessageSize: 1 << 30, MaxFrameSize: 1 << 30, Workers: 65536},
		{PingInterval: time.Minute, ConnectionTimeout: time.Minute + 1},
		{Subprotocols: []string{"v1.example.com", "v2"}, Header: http.Header{"Authorization": {"Bearer x"}, "Cookie": {"a=b", "c=d"}}},
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
