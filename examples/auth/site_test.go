package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// Who may connect, and what the others are told.
func TestWhoMayConnect(t *testing.T) {
	s, host, stop := start(t)
	alice, gone := newSession("alice", time.Hour), newSession("gone", time.Hour)
	defer alice.end(nil)
	token := s.tokens.issue(alice, alice)
	over := s.tokens.issue(gone, gone)
	gone.end(errLoggedOut)
	here, elsewhere := "http://"+host, "https://other.example"
	ticket := func() string { return ticketPrefix + s.tickets.issue(alice, alice) }
	for name, test := range map[string]struct {
		cookie, bearer, origin string
		offers                 []string
		status                 int // 0: connected
	}{
		"nothing":                          {status: 401},
		"cookie":                           {cookie: token},
		"cookie, page of this site":        {cookie: token, origin: here},
		"cookie, page of another site":     {cookie: token, origin: elsewhere, status: 403},
		"cookie of a session that is over": {cookie: over, origin: here, status: 401},
		"wrong cookie":                     {cookie: token[1:], origin: here, status: 401},
		"bearer":                           {bearer: token},
		"bearer, page of another site":     {bearer: token, origin: elsewhere},
		"wrong bearer, good cookie":        {bearer: "x", cookie: token, status: 401},
		"bearer of a session that is over": {bearer: over, status: 401},
		"ticket":                           {offers: []string{subprotocol, ticket()}},
		"ticket, page of another site":     {offers: []string{subprotocol, ticket()}, origin: elsewhere},
		"ticket alone":                     {offers: []string{ticket()}},
		"wrong ticket, good cookie":        {offers: []string{subprotocol, ticketPrefix + "x"}, cookie: token, status: 401},
		"token as a ticket":                {offers: []string{subprotocol, ticketPrefix + token}, status: 401},
		"ticket as a token":                {bearer: ticket()[len(ticketPrefix):], status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			o := websockets.Strict()
			o.Subprotocols = test.offers
			o.Header = make(http.Header)
			for key, value := range map[string]string{"Cookie": test.cookie, "Authorization": test.bearer, "Origin": test.origin} {
				switch {
				case value == "":
					continue
				case key == "Cookie":
					value = s.cookieName() + "=" + value
				case key == "Authorization":
					value = "Bearer " + value
				}
				o.Header.Set(key, value)
			}
			c, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o)
			if test.status != 0 {
				e, ok := errors.AsType[*websockets.HandshakeError](err)
				if !ok || e.Status != test.status {
					t.Fatalf("got %v, want %d", err, test.status)
				}
				if got := e.Response.Header.Get("WWW-Authenticate"); (got != "") != (test.status == 401) {
					t.Errorf("WWW-Authenticate: %q", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			wantMessage(t, c, "hello, alice")
			if got := c.Subprotocol(); got != subprotocol && len(test.offers) == 2 || strings.HasPrefix(got, ticketPrefix) {
				t.Errorf("the subprotocol is %q", got)
			}
			c.Close(websockets.NormalClosure, "")
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// ask sends a POST and returns the answer with its body.
func ask(t *testing.T, url, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

const rightPassword = `{"user": "alice", "password": "wonderland"}`

// What the page does: log in, get a ticket, log out.
func TestThePagesWay(t *testing.T) {
	s, host, _ := start(t)
	answer, _ := ask(t, "http://"+host+"/login", rightPassword, nil)
	if answer.StatusCode != http.StatusNoContent || len(answer.Cookies()) != 1 {
		t.Fatalf("login: %s, %v", answer.Status, answer.Cookies())
	}
	cookie := answer.Cookies()[0]
	mine := map[string]string{"Cookie": s.cookieName() + "=" + cookie.Value}
	_, body := ask(t, "http://"+host+"/ticket", "", mine)
	var got struct{ Ticket string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	o := websockets.Strict()
	o.Subprotocols = []string{subprotocol, ticketPrefix + got.Ticket}
	c, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	wantMessage(t, c, "hello, alice")
	if _, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o); err == nil {
		t.Error("a ticket was good for two connections")
	}
	if answer, _ = ask(t, "http://"+host+"/logout", "", mine); answer.StatusCode != http.StatusNoContent {
		t.Errorf("logout: %s", answer.Status)
	}
	wantClose(t, c, sessionOver, "logged out")
	if answer, _ = ask(t, "http://"+host+"/ticket", "", mine); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a ticket after logging out: %s", answer.Status)
	}
}

// A browser has one session: who logs in there ends the one before.
func TestLoggingInAgain(t *testing.T) {
	s, host, _ := start(t)
	answer, _ := ask(t, "http://"+host+"/login", rightPassword, nil)
	o := websockets.Strict()
	o.Header = http.Header{"Cookie": {s.cookieName() + "=" + answer.Cookies()[0].Value}}
	c, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	wantMessage(t, c, "hello, alice")
	mine := map[string]string{"Cookie": o.Header.Get("Cookie")}
	ask(t, "http://"+host+"/login", `{"user": "alice", "password": "looking-glass"}`, mine)
	say(t, c, "am I still here?")
	wantMessage(t, c, "alice: am I still here?")
	again, _ := ask(t, "http://"+host+"/login", rightPassword, mine)
	wantClose(t, c, sessionOver, "logged in again")
	if answer, _ := ask(t, "http://"+host+"/ticket", "", mine); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a ticket with the cookie before: %s", answer.Status)
	}
	if s.tokens.find(again.Cookies()[0].Value) == nil {
		t.Error("the new session has ended, too")
	}
}

// A ticket is for one connection: it neither renews itself nor ends the session.
func TestATicketIsForTheSocketAlone(t *testing.T) {
	s, host, _ := start(t)
	alice := newSession("alice", time.Hour)
	defer alice.end(nil)
	for path, status := range map[string]int{"/ticket": 401, "/logout": 204} {
		ticket := s.tickets.issue(alice, alice)
		answer, body := ask(t, "http://"+host+path, "", map[string]string{"Sec-WebSocket-Protocol": ticketPrefix + ticket})
		if answer.StatusCode != status || alice.Err() != nil {
			t.Errorf("%s: %s %s, want %d; the session: %v", path, answer.Status, body, status, alice.Err())
		}
		if s.tickets.redeem(ticket) != alice {
			t.Errorf("%s has used up the ticket", path)
		}
	}
}

// What a program does.
func TestTheProgramsWay(t *testing.T) {
	_, host, _ := start(t)
	_, body := ask(t, "http://"+host+"/token", rightPassword, nil)
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	o := websockets.Strict()
	o.Header = http.Header{"Authorization": {"Bearer " + got.Token}}
	c, err := websockets.Dial(t.Context(), "ws://"+host+"/socket", o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	wantMessage(t, c, "hello, alice")
}

func TestRefusedPosts(t *testing.T) {
	_, host, _ := start(t)
	for name, test := range map[string]struct {
		path, body string
		header     map[string]string
		status     int
	}{
		"wrong password":     {"/login", `{"user": "alice", "password": "looking-glass"}`, nil, 403},
		"wrong password too": {"/token", `{"user": "alice", "password": "looking-glass"}`, nil, 403},
		"no JSON":            {"/login", "user=alice", nil, 400},
		"too long":           {"/login", `{"user": "` + strings.Repeat("a", 5000) + `"}`, nil, 400},
		"a stranger":         {"/ticket", "", nil, 401},
		"another site":       {"/login", rightPassword, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"another origin":     {"/login", rightPassword, map[string]string{"Origin": "https://other.example"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			answer, body := ask(t, "http://"+host+test.path, test.body, test.header)
			if answer.StatusCode != test.status || len(answer.Cookies()) > 0 {
				t.Errorf("%s with %v, want %d: %s", answer.Status, answer.Cookies(), test.status, body)
			}
		})
	}
}

func TestThePageIsThere(t *testing.T) {
	_, host, _ := start(t)
	for _, path := range []string{"/", "/page.js", "/page.css"} {
		answer, err := http.Get("http://" + host + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if policy := answer.Header.Get("Content-Security-Policy"); answer.StatusCode != 200 || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: %s, policy %q", path, answer.Status, policy)
		}
	}
}
