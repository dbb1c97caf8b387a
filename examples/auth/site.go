package main

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets"
)

// ticketLife is the time from the page's request for a ticket to its use.
const ticketLife = 10 * time.Second

// A site is the page, the accounts and sessions, and the WebSocket.
type site struct {
	accounts *accounts
	life     time.Duration // of sessions
	secure   bool          // browsers reach it over TLS
	tokens   *secrets      // in cookies and after Bearer
	tickets  *secrets
	sockets  *websockets.Server
}

func newSite(a *accounts, life time.Duration, secure bool) *site {
	return &site{a, life, secure, newSecrets(), newSecrets(), websockets.Handle(serve, socketOptions())}
}

//go:embed page
var content embed.FS

func (s *site) handler() http.Handler {
	page, err := fs.Sub(content, "page")
	if err != nil {
		panic(err) // it is compiled in
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.Handle("POST /login", identify(s.visitor, http.HandlerFunc(s.login)))
	mux.HandleFunc("POST /token", s.token)
	mux.Handle("POST /ticket", identify(s.visitor, http.HandlerFunc(s.ticket)))
	mux.Handle("POST /logout", identify(s.visitor, http.HandlerFunc(s.logout)))
	mux.Handle("GET /socket", identify(s.caller, s.sockets))
	// This refuses POSTs from other origins. A WebSocket begins with a GET, and
	// has welcome for that.
	return http.NewCrossOriginProtection().Handler(secured(mux))
}

// secured lets pages load and connect to nothing but this site.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// login begins the session of a browser, and ends the one before. Its token is
// in a cookie.
func (s *site) login(w http.ResponseWriter, r *http.Request) {
	token := s.begin(w, r)
	if token == "" {
		return
	}
	if before := visitorOf(r.Context()); before.ambient && before.session != nil {
		before.session.end(errLoggedInAgain)
	}
	s.setCookie(w, token, int(s.life/time.Second))
	w.WriteHeader(http.StatusNoContent)
}

// token begins the session of a program.
func (s *site) token(w http.ResponseWriter, r *http.Request) {
	if token := s.begin(w, r); token != "" {
		answer(w, map[string]string{"token": token})
	}
}

// begin returns the token of a new session, "" if it has answered why not.
func (s *site) begin(w http.ResponseWriter, r *http.Request) string {
	var who struct{ User, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&who); err != nil {
		http.Error(w, "not JSON with user and password", http.StatusBadRequest)
		return ""
	}
	if !s.accounts.check(who.User, who.Password) {
		http.Error(w, "wrong name or password", http.StatusForbidden)
		return ""
	}
	session := newSession(who.User, s.life)
	return s.tokens.issue(session, session)
}

// ticket is for a page that cannot send a cookie with its WebSocket.
func (s *site) ticket(w http.ResponseWriter, r *http.Request) {
	session := visitorOf(r.Context()).session
	if session == nil {
		denied(w, r)
		return
	}
	valid, cancel := context.WithTimeout(session, ticketLife)
	context.AfterFunc(valid, cancel)
	answer(w, map[string]string{"ticket": s.tickets.issue(session, valid)})
}

// logout ends the session and with it all of its connections.
func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	if session := visitorOf(r.Context()).session; session != nil {
		session.end(errLoggedOut)
	}
	s.setCookie(w, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
