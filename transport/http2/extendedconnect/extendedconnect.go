// Package extendedconnect lets the HTTP/2 servers of a program, those of
// net/http, take WebSockets. Import it for that effect, in package main:
//
//	import _ "github.com/fb1e3c20/websockets/transport/http2/extendedconnect"
//
// The server then tells its clients that it takes extended CONNECT requests
// (https://www.rfc-editor.org/rfc/rfc8441#section-3), and browsers open their
// WebSockets on the connection that they have already. Without it they open
// another one, for HTTP/1.1.
//
// The switch holds for the whole process, because it is one of net/http: the
// setting http2xconnect=1 of the environment variable GODEBUG, which net/http
// looks at once, when it is initialised. This package adds it before, since it
// imports nothing that net/http would have to come before. A program that is
// started with GODEBUG=http2xconnect=1 needs no import, and one that is started
// with http2xconnect=0 keeps it off. Programs that it starts inherit the variable.
//
// A handler that does not expect the method CONNECT may see one from now on, with
// ":protocol" in the request's Header; net/http lets through the protocol that a
// client chooses. Those of package websockets answer every other protocol with 501.
package extendedconnect

import "os"

const name, setting = "GODEBUG", "http2xconnect"

func init() {
	if set, changed := with(os.Getenv(name)); changed {
		os.Setenv(name, set) // it fails for bad names only
	}
}

// with returns the value of GODEBUG with the setting, and whether it was changed:
// a choice that is there stays.
func with(value string) (string, bool) {
	if has(value, setting+"=") {
		return value, false
	}
	if value != "" {
		value += ","
	}
	return value + setting + "=1", true
}

// has reports whether one of the settings in value begins with prefix.
func has(value, prefix string) bool {
	for begin, i := 0, 0; i <= len(value); i++ {
		if i < len(value) && value[i] != ',' {
			continue
		}
		if one := value[begin:i]; len(one) >= len(prefix) && one[:len(prefix)] == prefix {
			return true
		}
		begin = i + 1
	}
	return false
}
