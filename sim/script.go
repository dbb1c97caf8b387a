package sim

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/sim/chart"
)

// A scriptAct is something that a script has happen.
type scriptAct struct {
	at time.Duration
	do func(st *stage)
}

// A stage is a script that runs: its two ends.
type stage struct {
	w    *World
	ends [2]*actor
}

// An actor is an end on the stage.
type actor struct {
	node   *Node
	puppet *Puppet // nil: the end is honest
}

// A scriptEnd is what the script says about an end.
type scriptEnd struct {
	config     core.Config
	app        string
	isPuppet   bool
	pongs      bool
	closes     bool
	noGreeting bool
	extensions string
}

func (e *scriptEnd) parse(a *arguments) error {
	e.config.Entropy = newEntropy("") // so that it can be checked
	if !a.empty() && a.words[0].String() == "puppet" {
		a.next()
		e.isPuppet = true
	}
	for !a.empty() {
		w := a.next()
		key, value, _ := strings.Cut(w.bare, "=")
		value += w.text
		set := e.setHonest
		if e.isPuppet {
			set = e.setPuppet
		}
		if err := set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (e *scriptEnd) setPuppet(key, value string) error {
	if key == "extensions" {
		e.extensions = value
		return checkExtensions(value)
	}
	switch key + "=" + value {
	case "pings=answer":
		e.pongs = true
	case "closes=answer":
		e.closes = true
	case "handshake=off":
		e.noGreeting = true
	default:
		return fmt.Errorf("%s=%s is nothing that a puppet has: pings=answer, closes=answer, handshake=off or extensions=", key, value)
	}
	return nil
}

func (e *scriptEnd) setHonest(key, value string) (err error) {
	c := &e.config
	switch key {
	case "ping":
		c.PingInterval, err = parseTimer(key, value)
	case "pong":
		c.PongTimeout, err = parseTimer(key, value)
	case "close":
		c.CloseTimeout, err = parseTimer(key, value)
	case "connection":
		c.ConnectionTimeout, err = parseTimer(key, value)
	case "handshake":
		c.HandshakeTimeout, err = parseTimer(key, value)
	case "frame":
		c.MaxFrameSize, err = parseSize(key, value)
	case "message":
		c.MaxMessageSize, err = parseSize(key, value)
	case "fragments":
		c.MaxFragments, err = parseNumber(key, value, 1, 1<<20)
	case "rate":
		c.MaxControlRate, err = parseNumber(key, value, 1, 1<<20)
	case "pings":
		policies := []string{"", "answer", "drop"}
		i := slices.Index(policies, value)
		if i < 1 {
			return fmt.Errorf("pings is %q; it must be answer or drop", value)
		}
		c.Pings = core.PingPolicy(i)
	case "app":
		if e.app = value; !slices.Contains([]string{"none", "echo", "chat"}, value) {
			return fmt.Errorf("app is %q; it must be none, echo or chat", value)
		}
	case "compress":
		err = e.setCompression(value)
	default:
		return fmt.Errorf("%q is nothing that an honest end has: "+
			"ping, pong, close, connection, handshake, frame, message, fragments, rate, pings, compress or app", key)
	}
	return err
}

// parseTimer reads a duration or "off".
func parseTimer(key, value string) (time.Duration, error) {
	if value == "off" {
		return -1, nil
	}
	d, err := parseDuration(key, value)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%s must be above 0, or off", key)
	}
	return d, err
}

func parseSize(key, value string) (int64, error) {
	n, err := parseNumber(key, value, 1, core.MaxSize)
	return int64(n), err
}

// build makes the world of the script, with the first end in the given role, and
// plays it.
func (s *Scenario) build(w *World, role core.Role) {
	w.Link = s.link
	w.Force(s.faults)
	st := &stage{w: w}
	for i, name := range s.endNames() {
		st.ends[i] = s.ends[i].enter(w, name)
	}
	server, client := st.ends[0].node, st.ends[1].node
	if role == core.Client {
		server, client = client, server
	}
	client.dials = append(client.dials, server)
	client.Bare = s.bare
	for _, a := range s.acts {
		w.At(a.at, func() { a.do(st) })
	}
	w.Run(s.run)
	if s.settle {
		w.Heal()
		w.Settle()
	}
	w.settled = true
}

func (e *scriptEnd) enter(w *World, name string) *actor {
	if e.isPuppet {
		p := w.PuppetServer(name)
		p.Pongs, p.Closes, p.NoHandshake, p.Extensions = e.pongs, e.closes, e.noGreeting, e.extensions
		return &actor{p.Node, p}
	}
	app := func() App { return idle{} }
	switch e.app {
	case "echo":
		app = Echo
	case "chat":
		app = Chat
	}
	n := w.Server(name, app)
	n.Config = e.config
	if e.config.Pings == core.PingDefault {
		n.Config.Pings = core.PingAnswer
	}
	return &actor{node: n}
}

// conn returns the actor's end of its latest connection, nil when that has
// ended or never was.
func (a *actor) conn() *Conn {
	if len(a.node.conns) == 0 {
		return nil
	}
	return a.node.conns[len(a.node.conns)-1]
}

func (a *actor) note(kind chart.Kind, format string, args ...any) {
	a.node.w.happened(a.node.lane, kind, format, args...)
}

// An endVerb is something that an end can be told to do. parse reads what
// follows it.
type endVerb struct {
	name   string
	parse  func(a *arguments) (endAct, error)
	puppet bool // only a puppet knows it
	honest bool // a puppet does not know it
}

// An endAct is one done by the end of a connection, or by the machine it runs
// on, or by what is around that.
type endAct struct {
	app     func(c *Conn) error // of an honest end
	puppet  func(c *PuppetConn) // of a puppet
	machine func(n *Node)       // of either
	name    string              // of what was refused
}

func (s *Scenario) parseAct(a *arguments) (func(*stage), error) {
	names := s.endNames()
	who, err := a.one("whom it happens to", names[0], names[1], "network")
	if err != nil {
		return nil, err
	}
	if who == "network" {
		return s.parseNetwork(a)
	}
	i := s.endNamed(who)
	end := &s.ends[i]
	if a.empty() {
		return nil, fmt.Errorf("what %s does is missing", who)
	}
	name := a.next().String()
	k := slices.IndexFunc(endVerbs, func(v endVerb) bool { return v.name == name })
	if k < 0 {
		return nil, fmt.Errorf("%q is nothing that an end does: %s", name, verbNames())
	}
	v := &endVerbs[k]
	switch {
	case v.puppet && !end.isPuppet:
		return nil, fmt.Errorf("only a puppet does %q, and %s is honest", name, who)
	case v.honest && end.isPuppet:
		return nil, fmt.Errorf("a puppet does not %q", name)
	}
	act, err := v.parse(a)
	if err != nil {
		return nil, err
	}
	act.name = name
	return func(st *stage) { act.perform(st.ends[i]) }, nil
}

func verbNames() string {
	var list []string
	for _, v := range endVerbs {
		list = append(list, v.name)
	}
	return strings.Join(list, ", ")
}

// perform has the actor act, once it is awake.
func (e endAct) perform(a *actor) {
	n := a.node
	if e.machine != nil {
		e.machine(n)
		return
	}
	t := &task{}
	t.run = func() {
		if n.sleeps(t) {
			return
		}
		c := a.conn()
		switch {
		case c == nil:
			a.note(chart.Call, "%s: there is no connection", e.name)
		case a.puppet != nil:
			e.puppet(a.puppet.Latest())
		default:
			if err := e.app(c); err != nil {
				a.note(chart.Call, "%s: %v", e.name, err)
			}
		}
	}
	t.run()
}

// endVerbs are what ends can be told to do.
var endVerbs = []endVerb{
	{name: "send", parse: parseSend},
	{name: "begin", parse: parseBegin},
	{name: "more", parse: parseMore},
	{name: "last", parse: parseLast},
	{name: "ping", parse: parsePing},
	{name: "close", parse: parseClose},
	{name: "hold", parse: always(endAct{
		app:    func(c *Conn) error { return c.hold(true) },
		puppet: func(c *PuppetConn) { c.Hold(true) },
	})},
	{name: "resume", parse: always(endAct{
		app:    func(c *Conn) error { return c.hold(false) },
		puppet: func(c *PuppetConn) { c.Hold(false) },
	})},
	{name: "abort", honest: true, parse: always(endAct{app: func(c *Conn) error { c.Abort(); return nil }})},
	{name: "tick", honest: true, parse: always(endAct{app: (*Conn).tickForNoReason})},
	{name: "suspend", parse: parseSuspend},
	{name: "clock", parse: parseClock},
	{name: "drift", parse: parseDrift},
	{name: "crash", parse: always(endAct{machine: func(n *Node) { n.Crash(false) }})},
	{name: "vanish", parse: always(endAct{machine: func(n *Node) { n.Crash(true) }})},
	{name: "restart", parse: always(endAct{machine: func(n *Node) { n.Restart(0) }})},
	{name: "frame", puppet: true, parse: parseFrame},
	{name: "pong", puppet: true, parse: parsePong},
	{name: "bytes", puppet: true, parse: parseBytes},
	{name: "end", puppet: true, parse: always(endAct{puppet: (*PuppetConn).End})},
	{name: "quit", puppet: true, parse: always(endAct{puppet: (*PuppetConn).Close})},
	{name: "reset", puppet: true, parse: always(endAct{puppet: (*PuppetConn).Reset})},
}

func always(e endAct) func(*arguments) (endAct, error) {
	return func(*arguments) (endAct, error) { return e, nil }
}

func (c *Conn) hold(on bool) error {
	what := "takes messages again"
	if on {
		what = "takes no more messages"
	}
	c.w.happened(c.lane(), chart.Call, "%s", what)
	c.Hold(on)
	return nil
}

func (c *Conn) tickForNoReason() error {
	c.w.happened(c.lane(), chart.Fault, "a tick for no reason")
	c.handle(c.m.Tick(c.now()))
	c.wake()
	return nil
}

func parseMessageKind(a *arguments) (op frame.Opcode, p []byte, err error) {
	kind, err := a.one("the kind of message", "text", "binary")
	if err != nil {
		return 0, nil, err
	}
	if op = frame.Text; kind == "binary" {
		op = frame.Binary
	}
	p, err = a.payload()
	return op, p, err
}

func parseSend(a *arguments) (endAct, error) {
	op, p, err := parseMessageKind(a)
	return endAct{
		app:    func(c *Conn) error { return c.Send(op, p) },
		puppet: func(c *PuppetConn) { c.Send(op, p) },
	}, err
}

func parseBegin(a *arguments) (endAct, error) {
	op, p, err := parseMessageKind(a)
	return sendFragment(op, p, false), err
}

func parseMore(a *arguments) (endAct, error) {
	p, err := a.payload()
	return sendFragment(frame.Continuation, p, false), err
}

func parseLast(a *arguments) (endAct, error) {
	p, err := a.payload()
	return sendFragment(frame.Continuation, p, true), err
}

func sendFragment(op frame.Opcode, p []byte, fin bool) endAct {
	return endAct{
		app:    func(c *Conn) error { return c.SendFragment(op, p, fin) },
		puppet: func(c *PuppetConn) { c.SendFrame(c.Header(op, fin), p) },
	}
}

func parsePing(a *arguments) (endAct, error) {
	p, err := a.payload()
	return endAct{
		app:    func(c *Conn) error { return c.Ping(p) },
		puppet: func(c *PuppetConn) { c.Send(frame.Ping, p) },
	}, err
}

func parsePong(a *arguments) (endAct, error) {
	p, err := a.payload()
	return endAct{puppet: func(c *PuppetConn) { c.Send(frame.Pong, p) }}, err
}

func parseClose(a *arguments) (endAct, error) {
	code, reason := frame.NoStatus, []byte(nil)
	if !a.empty() {
		n, err := parseNumber("the close code", a.next().String(), 0, 65535)
		if err != nil {
			return endAct{}, err
		}
		code = frame.CloseCode(n)
		if reason, err = a.payload(); err != nil {
			return endAct{}, err
		}
	}
	return endAct{
		app:    func(c *Conn) error { return c.Close(code, string(reason)) },
		puppet: func(c *PuppetConn) { c.SendClose(code, string(reason)) },
	}, nil
}

func parseSuspend(a *arguments) (endAct, error) {
	d, err := a.duration("how long")
	return endAct{machine: func(n *Node) { n.Suspend(d) }}, err
}

func parseClock(a *arguments) (endAct, error) {
	d, err := a.duration("how far")
	return endAct{machine: func(n *Node) { n.AdjustClock(d) }}, err
}

func parseDrift(a *arguments) (endAct, error) {
	if a.empty() {
		return endAct{}, errMissing
	}
	ppm, err := parseNumber("the drift", a.next().String(), -900_000, million)
	return endAct{machine: func(n *Node) { n.DriftClock(ppm) }}, err
}

var opcodes = map[string]frame.Opcode{
	"continuation": frame.Continuation, "text": frame.Text, "binary": frame.Binary,
	"close": frame.Close, "ping": frame.Ping, "pong": frame.Pong,
}

func parseFrame(a *arguments) (endAct, error) {
	if a.empty() {
		return endAct{}, fmt.Errorf("the opcode is missing")
	}
	name := a.next().String()
	op, known := opcodes[name]
	if !known {
		n, err := parseNumber("the opcode", name, 0, 15)
		if err != nil {
			return endAct{}, err
		}
		op = frame.Opcode(n)
	}
	p, err := a.payload()
	if err != nil {
		return endAct{}, err
	}
	flags, err := parseFlags(a)
	if err != nil {
		return endAct{}, err
	}
	return endAct{puppet: func(c *PuppetConn) { flags.send(c, op, p) }}, nil
}

// frameFlags are how a frame differs from a plain one.
type frameFlags struct {
	more, masked, unmasked bool
	deflated               bool
	rsv                    [3]bool
	length                 int64
	lies                   bool
}

func parseFlags(a *arguments) (f frameFlags, err error) {
	for !a.empty() {
		switch flag := a.next().String(); flag {
		case "more":
			f.more = true
		case "deflated":
			f.deflated, f.rsv[0] = true, true
		case "masked":
			f.masked = true
		case "unmasked":
			f.unmasked = true
		case "rsv1", "rsv2", "rsv3":
			f.rsv[flag[3]-'1'] = true
		default:
			length, ok := strings.CutPrefix(flag, "length=")
			if f.length, err = strconv.ParseInt(length, 10, 64); !ok || err != nil || f.length < 0 {
				return f, fmt.Errorf("%q is no flag of a frame: more, masked, unmasked, deflated, rsv1, rsv2, rsv3 or length=N", flag)
			}
			f.lies = true
		}
	}
	return f, nil
}

func (f frameFlags) send(c *PuppetConn, op frame.Opcode, p []byte) {
	h := c.Header(op, !f.more)
	h.RSV1, h.RSV2, h.RSV3 = f.rsv[0], f.rsv[1], f.rsv[2]
	if f.masked && !h.Masked {
		h.Masked, h.Mask = true, frame.Mask{0x37, 0xfa, 0x21, 0x3d}
	}
	if f.unmasked {
		h.Masked = false
	}
	if f.deflated {
		p = compressAlone(p)
	}
	if !f.lies {
		c.SendFrame(h, p)
		return
	}
	h.Length = f.length
	masked := slices.Clone(p)
	if !h.Masked {
		h.Mask = frame.Mask{}
	}
	h.Mask.XOR(masked, 0)
	c.Write(append(h.Append(nil), masked...))
}

func parseBytes(a *arguments) (endAct, error) {
	var p []byte
	for !a.empty() {
		if a.words[0].quoted {
			more, err := a.payload()
			if err != nil {
				return endAct{}, err
			}
			p = append(p, more...)
			continue
		}
		w := a.next().bare
		more, err := hex.DecodeString(w)
		if err != nil {
			return endAct{}, fmt.Errorf("%q is neither bytes in hex nor a string", w)
		}
		p = append(p, more...)
	}
	if len(p) == 0 || len(p) > mostPayload {
		return endAct{}, fmt.Errorf("the bytes are missing, or more than %d", mostPayload)
	}
	return endAct{puppet: func(c *PuppetConn) { c.Write(p) }}, nil
}

// parseNetwork reads what the network does.
func (s *Scenario) parseNetwork(a *arguments) (func(*stage), error) {
	verb, err := a.one("what the network does", "clog", "partition", "lose", "reset", "cut")
	if err != nil {
		return nil, err
	}
	names := s.endNames()
	end := names[0]
	switch verb {
	case "clog":
		end, err = a.one("whose output", names[0], names[1])
	case "lose":
		end, err = a.one("whose output", names[0], names[1], "both")
	}
	if err != nil {
		return nil, err
	}
	d := time.Duration(0)
	if verb == "clog" || verb == "partition" {
		if d, err = a.duration("how long"); err != nil {
			return nil, err
		}
	}
	i := max(s.endNamed(end), 0)
	return func(st *stage) { st.network(verb, i, d, end == "both") }, nil
}

// network has the network fail the connection: what end i sends, or all of it.
func (st *stage) network(verb string, i int, d time.Duration, both bool) {
	c := st.ends[i].conn()
	if c == nil {
		// It may live on at the other end, or not be accepted yet.
		if c = st.ends[1-i].conn(); c == nil {
			st.w.happened(chart.World, chart.Note, "there is no connection to fail")
			return
		}
	}
	own := c.node == st.ends[i].node
	switch verb {
	case "clog":
		if own {
			c.Clog(d)
			return
		}
		c.hurt("%s receives nothing for %v", c.name, d)
		c.sock.in.clog(d)
	case "partition":
		c.Partition(d)
	case "lose":
		if own || both {
			c.Lose(both)
			return
		}
		c.hurt("%s receives nothing from now on", c.name)
		c.sock.in.lose()
	case "reset":
		c.Reset()
	case "cut":
		c.Cut()
	}
}
