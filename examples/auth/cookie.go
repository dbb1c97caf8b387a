package main

import "net/http"

// cookieName is the name of the cookie with the token of a page's session. The
// prefix __Host- has browsers take it only over TLS and only from this very
// host, so that nobody else can put one of their own in its place.
func (s *site) cookieName() string {
	if s.secure {
		return "__Host-session"
	}
	return "session"
}

// setCookie has the browser keep a token for a number of seconds, out of reach
// for scripts; a negative number removes it.
func (s *site) setCookie(w http.ResponseWriter, token string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name:     s.cookieName(),
		Value:    token,
		MaxAge:   seconds,
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
		Secure:   s.secure,
	})
}
