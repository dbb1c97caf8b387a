package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim/chart"
)

// A Scenario is a run that is worth keeping, as a text that people read, commit
// and run again. There are two kinds: a script of its own for two ends, and the
// choices that a tape made in a world that a program builds.
//
// A script is read line by line. What follows a # is a comment.
//
//	# The peer is silent: pings go out, and after 58 s it is given up.
//	# https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
//
//	roles both
//	peer puppet pings=answer
//	this pong=5s close=off
//	link tcp latency=5ms
//
//	1s    peer send text "hello"
//	2.5s  this close 1000 "bye"
//	run 2m
//
//	---- server
//	passed
//	…
//
// First comes how the world is made:
//
//	roles both              the script runs twice: "this" is the server and "peer" the client, and
//	                        the other way round; without the line the ends are "server" and "client"
//	END KEY=VALUE…          how an honest end is configured; durations may be "off"
//	                          ping pong close connection handshake   the timers of [core.Config]
//	                          frame message fragments rate           its limits
//	                          compress=on                            (off)
//	                          compress=send:BITS,receive:BITS,level:N,threshold:N,no-send-takeover,no-receive-takeover
//	                                                                 those that differ from [core.Compression]
//	                          pings=answer or drop                   (answer)
//	                          app=none, echo or chat                 (none)
//	END puppet KEY=VALUE…   the end is a [Puppet]
//	                          pings=answer closes=answer             (drop)
//	                          handshake=off                          (on)
//	                          extensions="TEXT"                      what its handshake says of extensions
//	bare                    there is no opening handshake
//	link KEY=VALUE…         a [Carrier]: tcp, tls, http2, http3, quic or pipe; latency, jitter,
//	                        bandwidth, buffer; without the line it is TCP without latency, so
//	                        that times are exact
//	faults NAMES            [Faults] that the run has, joined by |, for choices to decide on
//	choice STREAM I V/N     a choice of the tape, see [Choice]
//
// Then what happens, in order of time, each line with its time since the run
// began, and whom it happens to. A PAYLOAD is a string as in Go, or several of
// them repeated, as in 3*"ab"; it may be left out.
//
//	END send text PAYLOAD   or binary; a message
//	END begin text PAYLOAD  or binary; the first fragment of a message
//	END more PAYLOAD        a further fragment
//	END last PAYLOAD        the last one
//	END ping PAYLOAD
//	END close CODE PAYLOAD  begins the closing handshake; without a code when there is none
//	END abort               gives the connection up
//	END hold                the application takes no more messages; a puppet reads no more
//	END resume              it does again
//	END tick                the machine is told the time for no reason
//	END suspend DURATION    nothing runs at this end, but its clock does
//	END clock DURATION      the clock is moved, back when negative
//	END drift MILLIONTHS    the clock runs faster
//	END crash               and vanish: without a word
//	END restart             after a crash
//	network clog END DURATION
//	network partition DURATION
//	network lose END        what it sends; or both
//	network reset
//	network cut
//
// A puppet also knows these:
//
//	END frame OPCODE PAYLOAD FLAGS…
//	                        a frame, its opcode a name or a number; flags are more (FIN is not set),
//	                        deflated (the payload is compressed, and rsv1 set), rsv1, rsv2, rsv3,
//	                        masked, unmasked, and length=N, a header that lies
//	END pong PAYLOAD
//	END bytes …             bytes in hex, and strings
//	END end                 ends its output
//	END quit                closes the connection
//	END reset               resets it
//
// Last come "run DURATION", and perhaps "settle", which is [World.Heal] and
// [World.Settle]; without it the run simply ends.
//
// The other kind of scenario has, in place of all that, a line "world NAME" and
// lines of choices.
//
// After a line ---- stands what came of it: "passed" or the property that was
// violated, and the sequence chart; with roles, once for each role of "this". Where
// nothing but the first line stands, only that is compared.
type Scenario struct {
	// Outcomes are what is expected: one, or that as the server and that as
	// the client; none in a new scenario.
	Outcomes []Outcome

	lines   []scriptLine
	world   string
	roles   bool
	bare    bool
	link    Link
	faults  Faults
	choices []Choice
	ends    [2]scriptEnd
	acts    []scriptAct
	run     time.Duration
	settle  bool
}

// An Outcome is what came of a scenario.
type Outcome struct {
	Role string // "server" or "client" in a scenario with roles, else empty
	Text string // the verdict in the first line, and the chart
}

// Verdict returns the first line of the text: "passed" or what was violated.
func (o Outcome) Verdict() string {
	first, _, _ := strings.Cut(o.Text, "\n")
	return first
}

// meets reports whether o is what was expected.
func (o Outcome) meets(want Outcome) bool {
	if want.Text == want.Verdict() {
		return o.Verdict() == want.Text
	}
	return o == want
}

// World returns the name of the world that the scenario is a run of; it is
// empty when the scenario is a script.
func (s *Scenario) World() string { return s.world }

// Choices returns the choices of the tape.
func (s *Scenario) Choices() []Choice { return slices.Clone(s.choices) }

// NewScenario returns the scenario of a failure that was found in the world of
// that name.
func NewScenario(world string, f *Finding) *Scenario {
	s := &Scenario{world: world, choices: slices.Clone(f.Choices)}
	s.comment("A failure that was found by a search, and shrunk. Below the line ---- stands")
	s.comment("what came of it then, or when it last ran with the flag -sim.rewrite.")
	s.comment("sim.Check does not compare that: it runs the choices and fails unless the run")
	s.comment("passes. sim.Scenarios compares the whole text.")
	if f.Divergence != nil {
		s.comment("%v", f.Divergence)
	}
	s.lines = append(s.lines, scriptLine{}, scriptLine{words: []word{{bare: "world"}, nameWord(world)}})
	for _, c := range f.Choices {
		s.lines = append(s.lines, choiceLine(c))
	}
	s.Outcomes = []Outcome{{Text: scenarioOutcome(f.Failure, f.Chart, 0)}}
	return s
}

func (s *Scenario) comment(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		s.lines = append(s.lines, scriptLine{comment: strings.TrimRight("# "+printable(line), " ")})
	}
}

// Run runs the scenario and returns what came of it, in the order of
// [Scenario.Outcomes]. worlds has the world of that name, if it is a run of one.
// RunOptions.Trace is on in any case.
func (s *Scenario) Run(worlds map[string]func(*World), o RunOptions) ([]Outcome, error) {
	results, err := s.Results(worlds, o)
	steps := -1
	if s.world != "" {
		steps = 0
	}
	var list []Outcome
	for i, r := range results {
		outcome := Outcome{Text: scenarioOutcome(r.Failure, r.Chart(), steps)}
		if s.roles {
			outcome.Role = s.thisRoles()[i].String()
		}
		list = append(list, outcome)
	}
	return list, err
}

// Results runs the scenario as Run does and returns the runs themselves.
func (s *Scenario) Results(worlds map[string]func(*World), o RunOptions) ([]*Result, error) {
	o.Trace = true
	if s.world != "" {
		build := worlds[s.world]
		if build == nil {
			return nil, fmt.Errorf("sim: there is no world %q here", s.world)
		}
		return []*Result{Run(replay(s.choices), build, o)}, nil
	}
	var list []*Result
	for _, role := range s.thisRoles() {
		list = append(list, Run(replay(s.choices), func(w *World) { s.build(w, role) }, o))
	}
	return list, nil
}

// thisRoles are the roles that "this" plays in turn.
func (s *Scenario) thisRoles() []core.Role {
	if s.roles {
		return []core.Role{core.Server, core.Client}
	}
	return []core.Role{core.Server}
}

func scenarioOutcome(f *Failure, c *chart.Chart, steps int) string {
	b := bytes.NewBufferString("passed\n")
	if f != nil {
		b.Reset()
		fmt.Fprintf(b, "violated: %s\n", printable(f.Property))
	}
	b.WriteByte('\n')
	if c != nil {
		plain := *c
		plain.Title = ""  // it depends on who draws it
		plain.Facts = nil // the hash changes with every change of the simulator
		if err := plain.WriteText(b, chart.TextOptions{Width: scenarioWidth, MaxSteps: steps}); err != nil {
			fmt.Fprintf(b, "%v\n", err)
		}
	}
	return strings.Trim(b.String(), "\n")
}

const scenarioWidth = 140
