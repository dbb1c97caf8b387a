package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/fb1e3c20/websockets"
)

// subprotocol is what is spoken. A client that offers a ticket offers it too,
// for the server must choose one, and never chooses a ticket.
const subprotocol = "auth.example"

// sessionOver is the close code of a connection whose session has ended.
const sessionOver websockets.CloseCode = 4001

func socketOptions() *websockets.Options {
	o := websockets.Strict()
	o.Subprotocols = []string{subprotocol}
	o.AcceptConnection = welcome
	o.AccessDenied = http.HandlerFunc(denied)
	return o
}

// welcome accepts whoever has a session. The Origin matters where the proof is
// ambient: any page can have the browser send a cookie, only a page that was
// given a token or a ticket can send that.
func welcome(r *http.Request) bool {
	v := visitorOf(r.Context())
	return v.session != nil && (!v.ambient || websockets.SameOrigin(r))
}

func denied(w http.ResponseWriter, r *http.Request) {
	if visitorOf(r.Context()).session != nil {
		http.Error(w, "a page of another origin may not use the cookie", http.StatusForbidden)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="auth example"`)
	http.Error(w, "log in first", http.StatusUnauthorized)
}

// serve tells users what they said, for as long as their session lasts. A
// context bounds the wait and harms no connection: there is time for a close
// frame that tells why.
func serve(ctx context.Context, c *websockets.Conn) error {
	session := visitorOf(ctx).session
	if err := c.Send(session, websockets.Text, fmt.Appendf(nil, "hello, %s", session.user)); err != nil {
		return over(session, c, err)
	}
	for {
		typ, p, err := c.Receive(session)
		if err != nil {
			return over(session, c, err)
		}
		if err := c.Send(session, typ, fmt.Appendf(nil, "%s: %s", session.user, p)); err != nil {
			return over(session, c, err)
		}
	}
}

// over closes the connection if its session is over.
func over(session *session, c *websockets.Conn, err error) error {
	if session.Err() == nil {
		return err
	}
	return c.Close(sessionOver, context.Cause(session).Error())
}
