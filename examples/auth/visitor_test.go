package main

import (
	"net/http/httptest"
	"testing"
	"time"
)

func TestAuthorization(t *testing.T) {
	s := newSite(newAccounts(1), time.Hour, false)
	alice, bob := newSession("alice", time.Hour), newSession("bob", time.Hour)
	token, cookie := s.tokens.issue(alice, alice), s.tokens.issue(bob, bob)
	for header, want := range map[string]visitor{
		"":                              {bob, true},
		"Basic " + token:                {bob, true}, // concerns somebody in front of this server
		"Bearers " + token:              {bob, true},
		"Bearer " + token:               {alice, false},
		"bearer " + token:               {alice, false}, // RFC 9110, section 11.1
		"BEARER  " + token:              {alice, false}, // section 11.4
		"Bearer":                        {},
		"bearer wrong":                  {},
		"Bearer " + token + " " + token: {},
	} {
		r := httptest.NewRequest("GET", "/socket", nil)
		r.Header.Set("Authorization", header)
		r.Header.Set("Cookie", s.cookieName()+"="+cookie)
		if got := s.visitor(r); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}
