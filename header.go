package websockets

import (
	"net/http"
	"slices"
	"strings"
)

// credentials are the fields that are for one origin only.
var credentials = map[string]bool{
	"Authorization":       true,
	"Cookie":              true,
	"Cookie2":             true,
	"Proxy-Authorization": true,
	"Www-Authenticate":    true,
}

// header returns what Options.Header and the URL add to the request for t.
func (d *Dialer) header(t *target) http.Header {
	h := make(http.Header)
	for _, name := range sortedNames(d.options.Header) {
		values := d.options.Header[name]
		if canonical := http.CanonicalHeaderKey(name); credentials[canonical] {
			if t.foreign {
				continue
			}
			name = canonical
		}
		h[name] = append(h[name], values...)
	}
	if t.authorization != "" && h.Get("Authorization") == "" {
		h.Set("Authorization", t.authorization)
	}
	return h
}

// addCookies adds the cookies of the jar, in one field
// (https://www.rfc-editor.org/rfc/rfc6265#section-5.4).
func (d *Dialer) addCookies(r *http.Request) {
	if d.options.Jar == nil {
		return
	}
	cookies := d.options.Jar.Cookies(r.URL)
	if len(cookies) == 0 {
		return
	}
	var pairs []string
	for pair := range strings.SplitSeq(strings.Join(r.Header["Cookie"], ";"), ";") {
		pair = strings.TrimSpace(pair)
		name, _, _ := strings.Cut(pair, "=")
		if pair != "" && !slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == name }) {
			pairs = append(pairs, pair)
		}
	}
	r.Header.Del("Cookie")
	if len(pairs) > 0 {
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
}

// takeCookies gives the jar those of a response.
func (d *Dialer) takeCookies(r *http.Response) {
	if d.options.Jar == nil {
		return
	}
	if cookies := r.Cookies(); len(cookies) > 0 {
		d.options.Jar.SetCookies(r.Request.URL, cookies)
	}
}
