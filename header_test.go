package websockets_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func newJar(t *testing.T) *cookiejar.Jar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

// Every response brings cookies, and every request takes those for its URL.
func TestCookies(t *testing.T) {
	w := newWeb(t, answers{
		"ws://a.example/":       {status: 302, location: "wss://a.example/x", cookie: "first=1; Path=/"},
		"wss://a.example/x":     {status: 302, location: "wss://b.example/", cookie: "second=2; Path=/; Secure"},
		"wss://b.example/":      {status: 302, location: "wss://a.example/y"},
		"wss://a.example/y":     {cookie: "open=3; Path=/"},
		"ws://a.example/denied": {status: 403, cookie: "denied=4; Path=/"},
	})
	o := w.options()
	o.Jar = newJar(t)
	dial(t, "ws://a.example/", o)
	if _, err := websockets.Dial(t.Context(), "ws://a.example/denied", o); err == nil {
		t.Error("not denied")
	}
	dial(t, "ws://a.example/again", o)
	want := []string{"", "first=1", "", "first=1; second=2", "first=1; open=3", "first=1; open=3; denied=4"}
	var got []string
	for _, r := range w.seen() {
		got = append(got, r.Header.Get("Cookie"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("cookies\n %q; want\n %q", got, want)
	}
}

// The cookies of Header and those of the jar go in one field, where the jar
// knows better.
func TestCookiesOfHeaderAndJar(t *testing.T) {
	for _, test := range []struct {
		header http.Header
		want   []string
	}{
		{nil, []string{"jar=1; session=new"}},
		{http.Header{"Cookie": {"mine=0"}}, []string{"mine=0; jar=1; session=new"}},
		{http.Header{"cookie": {"mine=0"}}, []string{"mine=0; jar=1; session=new"}},
		{http.Header{"Cookie": {"a=1; session=old;b=2", "c"}}, []string{"a=1; b=2; c; jar=1; session=new"}},
		{http.Header{"Cookie": {"session=old"}}, []string{"jar=1; session=new"}},
	} {
		w := newWeb(t, nil)
		o := w.options()
		o.Header = test.header
		o.Jar = newJar(t)
		o.Jar.SetCookies(&url.URL{Scheme: "http", Host: "a.example"}, []*http.Cookie{{Name: "jar", Value: "1"}, {Name: "session", Value: "new"}})
		dial(t, "ws://a.example/", o)
		if got := w.seen()[0].Header["Cookie"]; !slices.Equal(got, test.want) {
			t.Errorf("%v: Cookie %q; want %q", test.header, got, test.want)
		}
	}
	w := newWeb(t, nil)
	o := w.options()
	o.Header = http.Header{"Cookie": {"a=1", "b=2"}}
	dial(t, "ws://a.example/", o)
	if got := w.seen()[0].Header["Cookie"]; !slices.Equal(got, o.Header["Cookie"]) {
		t.Errorf("without a jar: Cookie %q", got)
	}
}

// What a foreign origin sets by a redirect does not bring back the cookies of
// Header.
func TestCookiesOfTheJarFollowTheirOwnRules(t *testing.T) {
	w := newWeb(t, answers{"ws://a.example/": {status: 302, location: "ws://b.example/"}})
	o := w.options()
	o.Header = http.Header{"Cookie": {"secret=1"}}
	o.Jar = newJar(t)
	o.Jar.SetCookies(&url.URL{Scheme: "http", Host: "b.example"}, []*http.Cookie{{Name: "theirs", Value: "2"}})
	dial(t, "ws://a.example/", o)
	if got := w.seen()[1].Header["Cookie"]; !slices.Equal(got, []string{"theirs=2"}) {
		t.Errorf("Cookie %q", got)
	}
}

// A notingJar writes down the URLs that it is asked with.
type notingJar struct {
	*cookiejar.Jar
	asked, given []string
}

func (j *notingJar) Cookies(u *url.URL) []*http.Cookie {
	j.asked = append(j.asked, u.String())
	return j.Jar.Cookies(u)
}

func (j *notingJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.given = append(j.given, u.String()+" "+cookies[0].String())
	j.Jar.SetCookies(u, cookies)
}

// A jar knows http and https alone, and no user information.
func TestURLsForTheJar(t *testing.T) {
	w := newWeb(t, answers{
		"ws://a.example/x?y": {status: 302, location: "wss://a.example/", cookie: "a=1"},
		"wss://a.example/":   {cookie: "b=2"},
	})
	jar := &notingJar{Jar: newJar(t)}
	o := w.options()
	o.Jar = jar
	dial(t, "ws://me:pass@a.example/x?y", o)
	if want := []string{"http://a.example/x?y", "https://a.example/"}; !slices.Equal(jar.asked, want) {
		t.Errorf("asked for the cookies of %q; want %q", jar.asked, want)
	}
	if want := []string{"http://a.example/x?y a=1", "https://a.example/ b=2"}; !slices.Equal(jar.given, want) {
		t.Errorf("given %q; want %q", jar.given, want)
	}
}

func TestCookiesOnAStream(t *testing.T) {
	o := strict()
	o.Header = http.Header{"Set-Cookie": {"theirs=2"}}
	cookie := make(chan string, 1)
	server := websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
		cookie <- c.Request().Header.Get("Cookie")
		return nil
	}, o)
	ours, theirs := pipe.New(0)
	go server.ServeStream(context.Background(), ours)
	client := strict()
	client.Jar = newJar(t)
	u := &url.URL{Scheme: "https", Host: "a.example"}
	client.Jar.SetCookies(u, []*http.Cookie{{Name: "ours", Value: "1", Secure: true}})
	c, err := (&websockets.Dialer{Options: client}).DialStream(t.Context(), theirs, "wss://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got := <-cookie; got != "ours=1" {
		t.Errorf("the server saw %q", got)
	}
	if got := client.Jar.Cookies(u); len(got) != 2 {
		t.Errorf("the jar has %v", got)
	}
}

// A jar that panics leaves no connection behind; TestMain would see one.
func TestPanicOfTheJar(t *testing.T) {
	w := newWeb(t, answers{"ws://a.example/": {cookie: "a=1"}})
	o := w.options()
	o.Jar = panickyJar{}
	defer func() {
		if recover() != "jar" {
			t.Error("the panic was swallowed")
		}
		w.plain.Close() // waits for the connection
	}()
	websockets.Dial(t.Context(), "ws://a.example/", o)
}

type panickyJar struct{}

func (panickyJar) Cookies(*url.URL) []*http.Cookie     { return nil }
func (panickyJar) SetCookies(*url.URL, []*http.Cookie) { panic("jar") }
