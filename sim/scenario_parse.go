package sim

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
)

// A ScenarioError tells which line of a scenario cannot be understood, and why.
type ScenarioError struct {
	Line int // from 1
	Err  error
}

func (e *ScenarioError) Error() string { return fmt.Sprintf("sim: line %d: %v", e.Line, e.Err) }
func (e *ScenarioError) Unwrap() error { return e.Err }

// mostScenario is how long a scenario may be.
const mostScenario = 4 << 20

const outcomeMark = "----"

// ParseScenario reads the text of a scenario. The error is a [*ScenarioError].
func ParseScenario(text []byte) (*Scenario, error) {
	if len(text) > mostScenario {
		return nil, &ScenarioError{1, fmt.Errorf("a scenario has at most %d bytes", mostScenario)}
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, &ScenarioError{1, errors.New("the scenario is empty")}
	}
	p := scenarioParser{s: &Scenario{}}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if err := p.line(strings.TrimRight(string(line), "\r\n")); err != nil {
			return nil, &ScenarioError{number, err}
		}
	}
	if err := p.end(); err != nil {
		return nil, &ScenarioError{max(number, 1), err}
	}
	return p.s, nil
}

type scenarioParser struct {
	s        *Scenario
	said     map[string]bool // directives that come once
	script   bool            // a line was met that only a script has
	outcomes bool            // behind the first ----
	text     []string        // of the outcome that is being read
}

func (p *scenarioParser) line(text string) error {
	if mark, role, _ := strings.Cut(text, " "); mark == outcomeMark {
		return p.outcome(strings.TrimSpace(role))
	}
	if p.outcomes {
		p.text = append(p.text, strings.TrimRight(text, " \t"))
		return nil
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }); i >= 0 {
		return fmt.Errorf("the character %q does not belong in a line", text[i])
	}
	l, err := parseScriptLine(text)
	if err != nil {
		return err
	}
	p.s.lines = append(p.s.lines, l)
	if len(l.words) == 0 {
		return nil
	}
	return p.statement(l)
}

// outcome begins an expected outcome.
func (p *scenarioParser) outcome(role string) error {
	if !p.outcomes {
		if err := p.endScript(); err != nil {
			return err
		}
	}
	p.closeOutcome()
	p.outcomes = true
	allowed := []string{""}
	if p.s.roles {
		allowed = []string{"server", "client"}
	}
	n := len(p.s.Outcomes)
	if n == len(allowed) {
		return fmt.Errorf("too many lines %s: there are %d outcomes", outcomeMark, len(allowed))
	}
	if role != allowed[n] {
		return fmt.Errorf("this must be the line %q", strings.TrimSpace(outcomeMark+" "+allowed[n]))
	}
	p.s.Outcomes = append(p.s.Outcomes, Outcome{Role: role})
	return nil
}

func (p *scenarioParser) closeOutcome() {
	if p.outcomes {
		p.s.Outcomes[len(p.s.Outcomes)-1].Text = strings.Trim(strings.Join(p.text, "\n"), "\n")
		p.text = nil
	}
}

func (p *scenarioParser) end() error {
	if !p.outcomes {
		return p.endScript()
	}
	p.closeOutcome()
	if p.s.roles && len(p.s.Outcomes) == 1 {
		return fmt.Errorf("the line %q and what is expected of the client are missing", outcomeMark+" client")
	}
	return nil
}

// endScript checks what can be known at the end of the script.
func (p *scenarioParser) endScript() error {
	s := p.s
	for len(s.lines) > 0 && len(s.lines[len(s.lines)-1].words) == 0 && s.lines[len(s.lines)-1].comment == "" {
		s.lines = s.lines[:len(s.lines)-1]
	}
	switch {
	case s.world != "" && p.script:
		return fmt.Errorf("a scenario of a world has nothing but choices")
	case s.world == "" && s.run == 0:
		return fmt.Errorf(`the line "run DURATION" is missing, or "world NAME"`)
	}
	if _, err := FromChoices(s.choices); err != nil {
		return err
	}
	if err := s.link.check(); err != nil {
		return err
	}
	return s.checkEnds()
}

func (s *Scenario) checkEnds() error {
	for i, e := range s.ends {
		if _, err := core.NewSettings(e.config); err != nil {
			return fmt.Errorf("%s: %w", s.endNames()[i], err)
		}
	}
	return nil
}

// endNames returns what the ends are called in the script.
func (s *Scenario) endNames() [2]string {
	if s.roles {
		return [2]string{"this", "peer"}
	}
	return [2]string{"server", "client"}
}

func (s *Scenario) endNamed(name string) int {
	names := s.endNames()
	return slices.Index(names[:], name)
}

// once refuses a second line of the same name.
func (p *scenarioParser) once(name string) error {
	if p.said[name] {
		return fmt.Errorf("there is a second line %q", name)
	}
	if p.said == nil {
		p.said = make(map[string]bool)
	}
	p.said[name] = true
	return nil
}

func (p *scenarioParser) statement(l scriptLine) error {
	a := &arguments{l.words}
	first := a.next()
	name := first.String()
	switch name {
	case "choice":
		c, err := parseChoice(strings.TrimPrefix(l.statement(), "choice ") + "  " + l.comment)
		p.s.choices = append(p.s.choices, c)
		return err
	case "world":
		return p.world(a)
	}
	p.script = true
	if c := name[0]; c >= '0' && c <= '9' || c == '-' {
		return p.timed(name, a)
	}
	if (len(p.s.acts) > 0 || p.s.run != 0) && name != "run" && name != "settle" {
		return fmt.Errorf("%s must stand before what happens, or lacks its time", first)
	}
	if i := p.s.endNamed(name); i >= 0 {
		if err := p.once(name); err != nil {
			return err
		}
		return p.s.ends[i].parse(a)
	}
	return p.directive(name, a)
}

// statement returns the words of the line.
func (l scriptLine) statement() string {
	words := make([]string, len(l.words))
	for i, w := range l.words {
		words[i] = w.String()
	}
	return strings.Join(words, " ")
}

func (p *scenarioParser) world(a *arguments) error {
	if err := p.once("world"); err != nil {
		return err
	}
	if a.empty() {
		return fmt.Errorf("the name of the world is missing")
	}
	if p.s.world = a.next().name(); p.s.world == "" {
		return fmt.Errorf("the name of the world is empty")
	}
	return a.done()
}

func (p *scenarioParser) directive(name string, a *arguments) error {
	if err := p.once(name); err != nil {
		return err
	}
	s := p.s
	switch name {
	case "roles":
		if len(p.said) > 1 {
			return fmt.Errorf(`"roles both" must be the first line`)
		}
		s.roles = true
		if _, err := a.one("the role", "both"); err != nil {
			return err
		}
	case "bare":
		s.bare = true
	case "link":
		if err := parseLink(&s.link, a); err != nil {
			return err
		}
	case "faults":
		if err := s.parseFaults(a); err != nil {
			return err
		}
	case "run":
		if err := p.parseRun(a); err != nil {
			return err
		}
	case "settle":
		if s.run == 0 {
			return fmt.Errorf(`"settle" must follow "run DURATION"`)
		}
		s.settle = true
	default:
		names := s.endNames()
		return fmt.Errorf("%q is no line of a scenario: it must be a time, %s, %s, network behind a time, roles, bare, link, faults, choice, run, settle or world",
			name, names[0], names[1])
	}
	return a.done()
}

func (p *scenarioParser) parseRun(a *arguments) (err error) {
	s := p.s
	if s.run, err = a.duration("the time to run"); err != nil {
		return err
	}
	if s.run <= 0 {
		return fmt.Errorf("the time to run must be above 0")
	}
	if n := len(s.acts); n > 0 && s.acts[n-1].at > s.run {
		return fmt.Errorf("something happens at %v, which is after the end of the run", s.acts[n-1].at)
	}
	return nil
}

func (s *Scenario) parseFaults(a *arguments) error {
	if a.empty() {
		return fmt.Errorf("the names of the faults are missing: %s", strings.Join(faultNames[:], ", "))
	}
	for name := range strings.SplitSeq(a.next().String(), "|") {
		i := slices.Index(faultNames[:], name)
		if i < 0 {
			return fmt.Errorf("there is no fault %q: it must be one of %s", name, strings.Join(faultNames[:], ", "))
		}
		s.faults |= 1 << i
	}
	return nil
}

// mostBandwidth is the largest that a scenario may give a link, in bytes a second.
var mostBandwidth = int(min(uint64(math.MaxInt), 1<<40))

func parseLink(l *Link, a *arguments) error {
	for !a.empty() {
		key, value, _ := strings.Cut(a.next().String(), "=")
		var err error
		switch key {
		case "tcp":
			l.Carrier = CarrierTCP
		case "tls":
			l.Carrier = CarrierTLS
		case "http2":
			l.Carrier = CarrierHTTP2
		case "http3":
			l.Carrier = CarrierHTTP3
		case "quic":
			l.Carrier = CarrierQUIC
		case "pipe":
			l.Carrier, l.Buffer = CarrierPipe, Pipe().Buffer
		case "latency":
			l.Latency, err = parseDuration(key, value)
		case "jitter":
			l.Jitter, err = parseDuration(key, value)
		case "bandwidth":
			l.Bandwidth, err = parseNumber(key, value, 0, mostBandwidth)
		case "buffer":
			l.Buffer, err = parseNumber(key, value, 1, 1<<30)
		default:
			err = fmt.Errorf("%q is nothing that a link has: tcp, tls, http2, http3, quic, pipe, latency=, jitter=, bandwidth= or buffer=", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *scenarioParser) timed(at string, a *arguments) error {
	if p.s.run != 0 {
		return fmt.Errorf("nothing can happen behind the line run")
	}
	d, err := parseDuration("the time", at)
	if err != nil {
		return err
	}
	last := time.Duration(0)
	if n := len(p.s.acts); n > 0 {
		last = p.s.acts[n-1].at
	}
	if d < last {
		return fmt.Errorf("the time %v is before that of the line above, %v", d, last)
	}
	do, err := p.s.parseAct(a)
	if err != nil {
		return err
	}
	p.s.acts = append(p.s.acts, scriptAct{d, do})
	return a.done()
}

// Format returns the scenario as text.
func (s *Scenario) Format() []byte {
	width := 0
	for _, l := range s.lines {
		if l.timed() {
			width = max(width, len(l.words[0].bare))
		}
	}
	var b bytes.Buffer
	for _, l := range s.lines {
		b.WriteString(l.format(width))
		b.WriteByte('\n')
	}
	for _, o := range s.Outcomes {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(outcomeMark+" "+o.Role))
		if o.Text != "" {
			b.WriteString(o.Text)
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func (l scriptLine) timed() bool {
	return len(l.words) > 1 && !l.words[0].quoted && l.words[0].bare[0] >= '0' && l.words[0].bare[0] <= '9'
}

func (l scriptLine) format(width int) string {
	s := l.statement()
	if l.timed() {
		first := l.words[0].bare
		s = first + strings.Repeat(" ", width-len(first)+2) + scriptLine{words: l.words[1:]}.statement()
	}
	if s != "" && l.comment != "" {
		return s + "  " + l.comment
	}
	return s + l.comment
}
