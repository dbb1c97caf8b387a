package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A browser takes a cookie whose name begins with __Host- only if it is Secure,
// for all paths and for no Domain; that goes for its removal, too.
func TestCookie(t *testing.T) {
	for name, secure := range map[string]bool{"session": false, "__Host-session": true} {
		s := newSite(newAccounts(1), time.Minute, secure)
		if err := s.accounts.add("alice", "wonderland"); err != nil {
			t.Fatal(err)
		}
		request := func(path, body string) *http.Cookie {
			w := httptest.NewRecorder()
			s.handler().ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
			set := w.Result().Cookies()
			if len(set) != 1 {
				t.Fatalf("%s: %s with %v", path, w.Result().Status, set)
			}
			return set[0]
		}
		login, logout := request("/login", rightPassword), request("/logout", "")
		for _, c := range []*http.Cookie{login, logout} {
			if c.Name != name || c.Secure != secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteStrictMode {
				t.Errorf("secure %v: the cookie is %v", secure, c)
			}
		}
		if login.MaxAge != 60 || logout.MaxAge >= 0 {
			t.Errorf("it lasts %d s, after logging out %d", login.MaxAge, logout.MaxAge)
		}
		for _, sent := range []string{"session", "__Host-session"} {
			r := httptest.NewRequest("GET", "/socket", nil)
			r.AddCookie(&http.Cookie{Name: sent, Value: login.Value})
			if got := s.visitor(r).session; (got != nil) != (sent == name) {
				t.Errorf("secure %v: %s leads to %v", secure, sent, got)
			}
		}
	}
}
