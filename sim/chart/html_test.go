package chart_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fb1e3c20/websockets/sim/chart"
)

func draw(t *testing.T, c *chart.Chart) string {
	t.Helper()
	var page bytes.Buffer
	if err := c.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

var tag = regexp.MustCompile(`<[/!]?[a-zA-Z][^\s/>]*`)

// A hostile chart makes a page of the same elements as a tame one.
func TestHTMLIsSafe(t *testing.T) {
	tame := hostile()
	tame.Title, tame.Violation, tame.Choices = "a", "b", []string{"c"}
	tame.Facts, tame.Lanes[0] = []chart.Fact{{Name: "d", Value: "e"}}, chart.Lane{Name: "f", About: "g"}
	for i := range tame.Steps {
		tame.Steps[i].Text, tame.Steps[i].State, tame.Steps[i].Timers, tame.Steps[i].Bytes = "h", "", nil, nil
	}
	page := draw(t, hostile())
	got, want := tag.FindAllString(page, -1), tag.FindAllString(draw(t, tame), -1)
	if !slices.Equal(got, want) {
		t.Errorf("elements of a hostile chart's page:\n%s\nof a tame one's:\n%s", got, want)
	}
	if !utf8.ValidString(page) {
		t.Error("the page is not UTF-8")
	}
	for _, r := range page {
		if r < ' ' && r != '\n' || r == '\u202e' || r == '\u2028' {
			t.Errorf("%U is in the page", r)
		}
	}
}

// Each text arrives where it belongs, as text.
func TestHTMLShowsHostileTexts(t *testing.T) {
	page := draw(t, hostile())
	const shown = `<img src=x onerror=alert(1)>\x1b[2J\x1b]0;owned\a\u202e\xff\xfe`
	if n := strings.Count(html.UnescapeString(page), shown); n != 6 { // twice the title, a fact's name and value, violation, choice
		t.Errorf("it is shown %d times outside of the data, want 6", n)
	}
	data := dataOf(t, page)
	for name, text := range map[string]string{
		"title": data.Title, "violation": data.Violation, "choice": data.Choices[0], "fact": data.Facts[0].Value,
		"lane": data.Lanes[0].Name, "about": data.Lanes[0].About, "step": data.Steps[0].Text, "state": data.Steps[0].State, "timer": data.Steps[0].Timers[0].Name,
	} {
		if !strings.Contains(text, shown) {
			t.Errorf("%s: %q", name, text)
		}
	}
}

type pageData struct {
	Title, Violation string
	Facts            []chart.Fact
	Lanes            []chart.Lane
	Choices          []string
	Steps            []struct {
		At, Text, State, Arrival, Until string
		Lane                            int
		To, Receive                     *int
		Bytes                           []byte
		Timers                          []struct{ Name, At string }
	}
}

func dataOf(t *testing.T, page string) (data pageData) {
	t.Helper()
	if err := json.Unmarshal([]byte(content(t, page, `<script type="application/json" id="data">`, "</script>")), &data); err != nil {
		t.Fatal(err)
	}
	return data
}

func content(t *testing.T, page, begin, end string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, begin)
	inside, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("there is no %s … %s in the page", begin, end)
	}
	return inside
}

// The page's policy lets its own script and style run, and nothing be loaded.
func TestHTMLPolicy(t *testing.T) {
	page := draw(t, halfOpen())
	policy := html.UnescapeString(content(t, page, `<meta http-equiv="Content-Security-Policy" content="`, `"`))
	for directive, inside := range map[string]string{
		"script-src": content(t, page, "<script>", "</script>"),
		"style-src":  content(t, page, "<style>", "</style>"),
	} {
		sum := sha256.Sum256([]byte(inside))
		want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !strings.Contains(policy, want) {
			t.Errorf("%s is not in the policy %s", want, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") {
		t.Errorf("the policy %s does not begin with nothing", policy)
	}
	for _, address := range regexp.MustCompile(`https?://[^"' ]+`).FindAllString(page, -1) {
		if address != "http://www.w3.org/2000/svg" {
			t.Errorf("the page names %s", address)
		}
	}
}

func TestHTMLDataIsExact(t *testing.T) {
	late := time.Duration(math.MaxInt64)
	c := &chart.Chart{Lanes: make([]chart.Lane, 2), Steps: []chart.Step{
		{At: 1, Kind: chart.Send, To: 1, Arrival: 7, Bytes: []byte{0, 0xff}, Timers: timers()},
		{At: 2, Kind: chart.Send, To: 1, Arrival: chart.Lost},
		{At: 7, Lane: 1, Kind: chart.Receive, Timers: timers(timer("ping", late))},
		{At: late - 1, Lane: chart.World, Kind: chart.Fault, Until: late},
	}}
	steps := dataOf(t, draw(t, c)).Steps
	if s := steps[0]; s.At != "1" || s.Arrival != "7" || *s.To != 1 || *s.Receive != 2 || !bytes.Equal(s.Bytes, []byte{0, 0xff}) || s.Timers == nil || len(s.Timers) != 0 {
		t.Errorf("sent: %+v", s)
	}
	if s := steps[1]; s.Arrival != "" || s.Receive != nil || *s.To != 1 || s.Timers != nil {
		t.Errorf("lost: %+v", s)
	}
	if s := steps[2]; s.To != nil || s.Timers[0].At != "9223372036854775807" {
		t.Errorf("received: %+v", s)
	}
	if s := steps[3]; s.At != "9223372036854775806" || s.Until != "9223372036854775807" || s.Lane != chart.World {
		t.Errorf("fault: %+v", s)
	}
}

func TestHTMLOfManySteps(t *testing.T) {
	c := many(20_000, 2)
	page := draw(t, c)
	if n := len(dataOf(t, page).Steps); n != len(c.Steps) {
		t.Errorf("%d steps are in the page, want %d", n, len(c.Steps))
	}
	sent := 0
	for _, s := range c.Steps {
		sent += base64.StdEncoding.EncodedLen(len(s.Bytes))
	}
	if extra := len(page) - sent; extra > 250*len(c.Steps) {
		t.Errorf("%d bytes for each step without its bytes, want at most 250", extra/len(c.Steps))
	}
}

func TestHTMLOfNothing(t *testing.T) {
	page := draw(t, &chart.Chart{})
	if data := dataOf(t, page); len(data.Steps) != 0 {
		t.Errorf("%+v", data)
	}
	if !strings.Contains(page, "<title>A run</title>") || !strings.Contains(page, ">passed<") {
		t.Error("the page has no title or no verdict")
	}
	if strings.Contains(content(t, page, `id="data">`, "</script>"), "null") {
		t.Error("the page's script would stumble over a null")
	}
}

func TestHTMLVerdict(t *testing.T) {
	for _, c := range []struct{ violation, verdict, want string }{
		{"", "", `<span class="verdict good">passed</span>`},
		{"x", "", `<span class="verdict bad">violated</span>`},
		{"", "<b>", `<span class="verdict good">&lt;b&gt;</span>`},
		{"x", "other", `<span class="verdict bad">other</span>`},
	} {
		if page := draw(t, &chart.Chart{Violation: c.violation, Verdict: c.verdict}); !strings.Contains(page, c.want) {
			t.Errorf("%q, %q: the page lacks %s", c.violation, c.verdict, c.want)
		}
	}
}

func TestHTMLReportsErrors(t *testing.T) {
	bad := &chart.Chart{Steps: []chart.Step{{Lane: 7}}}
	var page bytes.Buffer
	if err := bad.WriteHTML(&page); err == nil || page.Len() > 0 {
		t.Errorf("a chart with a lane too high: error %v, %d bytes", err, page.Len())
	}
	if err := halfOpen().WriteHTML(brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}
