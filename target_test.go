package websockets

import (
	"strings"
	"testing"
)

// Wherever a Location leads: it can be asked for, it is never less encrypted,
// and credentials go nowhere but where they came from.
func FuzzRedirect(f *testing.F) {
	const trusted = "Basic bWU6c2VjcmV0" // me:secret
	for _, start := range []string{"ws://me:secret@a.example/x/y?z", "wss://me:secret@[::1]:81"} {
		for _, location := range []string{
			"/", "..", "?q", "#f", "//b", "ws://a.example:80/", "wss://A.example", "http://me@a.example/", "https://[fe80::1%25lo]:/", "://", "ws:x", "\\\\b", "//a.example:80:80/",
		} {
			f.Add(start, location, "/back")
		}
	}
	f.Fuzz(func(t *testing.T, start, location, next string) {
		at, err := parseTarget(start)
		if err != nil {
			return
		}
		if at.authorization != "" {
			at.authorization = trusted
		}
		first := at
		foreign := false
		for _, location := range []string{location, next} {
			to, err := at.redirect(location)
			if err != nil {
				return
			}
			foreign = foreign || !to.sameOrigin(first)
			if to.foreign != foreign || foreign && to.authorization != "" || !foreign && to.authorization != first.authorization {
				t.Errorf("%q to %q: foreign %v, authorization %q", at.url, location, to.foreign, to.authorization)
			}
			if first.secure && !to.secure {
				t.Errorf("%q leads to %q", first.url, to.url)
			}
			if to.url.User != nil || to.url.Fragment != "" || to.url.Hostname() == "" || strings.Contains(to.hostField(), "%") {
				t.Errorf("%q leads to %q, Host %q", location, to.url, to.hostField())
			}
			at = to
		}
	})
}
