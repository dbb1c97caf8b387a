package websockets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const defaultMaxRedirects = 10

// follow dials t, and from there on where redirects lead
// (https://www.rfc-editor.org/rfc/rfc6455#section-4.1).
func (d *Dialer) follow(ctx context.Context, t *target) (*Conn, error) {
	limit := d.options.MaxRedirects
	if limit == 0 {
		limit = defaultMaxRedirects
	}
	for n := 0; ; n++ {
		c, err := d.dial(ctx, t)
		location, ok := redirected(err)
		if !ok || limit < 0 {
			return c, err
		}
		if n == limit {
			return nil, refuseRedirect(err, fmt.Errorf("websocket: gave up at %s after %d redirects", t.url, n))
		}
		next, why := t.redirect(location)
		if why != nil {
			return nil, refuseRedirect(err, fmt.Errorf("websocket: %s redirects to where nothing can be dialled: %w", t.url, why))
		}
		t = next
	}
}

// redirected returns the Location of a redirect, false if err is none.
func redirected(err error) (location string, ok bool) {
	e, ok := errors.AsType[*HandshakeError](err)
	if !ok || e.Response == nil {
		return "", false
	}
	switch e.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		location = e.Response.Header.Get("Location")
	}
	return location, location != ""
}

// refuseRedirect returns the error of a redirect with another reason.
func refuseRedirect(redirect, why error) error {
	e, _ := errors.AsType[*HandshakeError](redirect)
	return &HandshakeError{Status: e.Status, Response: e.Response, Err: why}
}

// redirect returns where a Location leads from t
// (https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2). A target that is
// foreign, and all that follow, get no credentials: whoever was trusted with
// them was another.
func (t *target) redirect(location string) (*target, error) {
	u, err := t.url.Parse(location)
	if err != nil {
		return nil, errors.New("its Location is not a URL")
	}
	if u.User != nil { // https://www.rfc-editor.org/rfc/rfc9110#section-4.2.4
		return nil, fmt.Errorf("the URL %q has user information, which a server must not choose", u.Redacted())
	}
	u.Fragment, u.RawFragment = "", ""
	next, err := newTarget(u, u.Redacted())
	if err != nil {
		return nil, err
	}
	if t.secure && !next.secure {
		return nil, fmt.Errorf("the URL %q is not encrypted, and this one is", u)
	}
	next.foreign = t.foreign || !next.sameOrigin(t)
	if !next.foreign {
		next.authorization = t.authorization
	}
	return next, nil
}
