package main

import (
	"context"
	"net/http"
	"strings"
)

// A visitor is who sent a request, as far as the request proves it.
type visitor struct {
	session *session // nil for strangers
	ambient bool     // the browser added the proof by itself, whoever asked it to
}

type visitorKey struct{}

// visitorOf returns whom identify put into the context.
func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// identify tells the handler by the request's context who sent the request, as
// find has found out. It turns nobody away.
func identify(find func(*http.Request) visitor, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), visitorKey{}, find(r))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// caller looks for the proof of who opens a WebSocket: there, and there alone,
// a ticket is one. A wrong proof is not made good by another.
//
// The browser's new WebSocket(url, protocols) cannot set headers: what a page
// has to say goes into the URL, which ends up in logs, or into the subprotocols.
// There it must not be a token that is good for long and for all: it is a
// ticket, good for seconds and for one connection.
func (s *site) caller(r *http.Request) visitor {
	if ticket, ok := ticketOf(r); ok {
		return visitor{session: s.tickets.redeem(ticket)}
	}
	return s.visitor(r)
}

// visitor looks for the proof that comes with any request. Programs send a
// bearer token. Where page and server are of one origin the cookie comes by
// itself, with the requests of every other page too, hence ambient.
func (s *site) visitor(r *http.Request) visitor {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return visitor{session: s.tokens.find(strings.TrimSpace(token))}
	}
	if cookie, err := r.Cookie(s.cookieName()); err == nil {
		return visitor{session: s.tokens.find(cookie.Value), ambient: true}
	}
	return visitor{}
}

// ticketPrefix marks the subprotocol that is none but carries a ticket.
const ticketPrefix = "ticket."

func ticketOf(r *http.Request) (ticket string, ok bool) {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(line, ",") {
			if ticket, ok := strings.CutPrefix(strings.TrimSpace(offer), ticketPrefix); ok {
				return ticket, true
			}
		}
	}
	return "", false
}
