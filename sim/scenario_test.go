package sim_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/sim"
)

const everyLine = `# The story.
#
#  indented

roles both                   # first
this ping=15s pong=off close=1.5s connection=58s handshake=10s pings=drop frame=1000 message=2000 fragments=3 rate=10 app=echo
peer   puppet pings=answer closes=answer handshake=off
bare
link quic latency=5ms jitter=1ms bandwidth=1000 buffer=4096
faults Chunks|LateTicks
choice "a b" 7 12/1400 # after 12 bytes
choice this>peer.cut 1 1

0s this send text "hello" # greets
0s this send binary 3*"\x00\xff" "x"
1ns this begin text
1ms this more "l"
2s this last "o\n\"#"
2s this ping "1"
2s this close
3s this close 1000 "bye"
3s this abort
3s this hold
3s this resume
3s this tick
3s this suspend 1m0s
3s this clock -10s
3s this drift -1000
3s this crash
3s this vanish
3s this restart
4s peer frame 11 "x" more rsv1 rsv2 rsv3 masked
4s peer frame text unmasked length=1000000000000
4s peer pong
4s peer bytes 8105 "hello" ff
4s peer end
4s peer quit
4s peer reset
5s network clog this 5s
5s network partition 5s
5s network lose peer
5s network lose both
5s network reset
5s network cut
run 2m
settle


---- server
passed

  a chart
---- client
violated: x
`

func TestScenarioFormat(t *testing.T) {
	s, err := sim.ParseScenario([]byte(everyLine))
	if err != nil {
		t.Fatal(err)
	}
	text := s.Format()
	again, err := sim.ParseScenario(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if second := again.Format(); !bytes.Equal(second, text) {
		t.Errorf("formatted twice:\n%s\nonce:\n%s", second, text)
	}
	for _, line := range []string{
		"#  indented\n", "roles both  # first\n", "\n2s   this last \"o\\n\\\"#\"\n", "choice \"a b\" 7 12/1400  # after 12 bytes\n",
		"1ns  this begin text\n", "settle\n\n---- server\npassed\n\n  a chart\n\n---- client\nviolated: x\n",
	} {
		if !strings.Contains(string(text), line) {
			t.Errorf("the line %q is missing in\n%s", line, text)
		}
	}
	if want := []sim.Outcome{{Role: "server", Text: "passed\n\n  a chart"}, {Role: "client", Text: "violated: x"}}; !reflect.DeepEqual(s.Outcomes, want) {
		t.Errorf("outcomes %q, want %q", s.Outcomes, want)
	}
	if want := (sim.Choice{Stream: "a b", Index: 7, Value: 12, Of: 1400, Note: "after 12 bytes"}); len(s.Choices()) != 2 || s.Choices()[0] != want {
		t.Errorf("choices %v, want %v first", s.Choices(), want)
	}
}

func TestScenarioErrors(t *testing.T) {
	for _, test := range []struct {
		text string
		line int
		want string
	}{
		{"", 1, "is empty"},
		{" \n\n", 1, "is empty"},
		{"# nothing", 1, `the line "run DURATION" is missing`},
		{"run 2m\nserver ping=1s", 2, "must stand before what happens, or lacks its time"},
		{"server ping=x\nrun 1s", 1, `ping is "x"; it must be a duration`},
		{"server ping=-1s\nrun 1s", 1, "ping must be above 0, or off"},
		{"server ping=1s connection=1s\nrun 1s", 2, "server: websocket: ConnectionTimeout must be longer"},
		{"server pang=1s\nrun 1s", 1, `"pang" is nothing that an honest end has`},
		{"server puppet ping=1s\nrun 1s", 1, "ping=1s is nothing that a puppet has"},
		{"server puppet extensions=\"a\\r\\n\"\nrun 1s", 1, "it must be printable ASCII"},
		{"server compress=off\nrun 1s", 1, `compress is "off"; it must be on, or some of send:BITS`},
		{"server compress=send:12,receive:7\nrun 1s", 1, `receive is "7"; it must be a number from 8 to 15`},
		{"server puppet\nserver puppet\nrun 1s", 2, `a second line "server"`},
		{"this puppet\nrun 1s", 1, `"this" is no line of a scenario`},
		{"bare\nroles both\nrun 1s", 2, "must be the first line"},
		{"roles one\nrun 1s", 1, `the role is "one"; it must be one of: both`},
		{"link tin=1\nrun 1s", 1, `"tin" is nothing that a link has`},
		{"link latency=-1s\nrun 1s", 2, "must not be negative"},
		{"faults Rain\nrun 1s", 1, `no fault "Rain"`},
		{"choice a 1\nrun 1s", 1, "an index and a value"},
		{"choice a 1 1\nchoice a 1 1\nrun 1s", 3, "two choices"},
		{"1s server", 1, "what server does is missing"},
		{"1s server dance", 1, `"dance" is nothing that an end does: send,`},
		{"1s server pong", 1, `only a puppet does "pong", and server is honest`},
		{"server puppet\n1s server abort", 2, `a puppet does not "abort"`},
		{"1s nobody send", 1, `whom it happens to is "nobody"`},
		{"1s server send", 1, "the kind of message is missing: text, binary"},
		{`1s server send text "a`, 1, "does not end"},
		{`1s server send text "a"b`, 1, "a space must follow"},
		{`1s server send text x"a"`, 1, "is no payload"},
		{`1s server send text 2000000*"a"`, 1, "from 1 to 1048576"},
		{`1s server send text 1000000*"ab"`, 1, "longer than 1048576 bytes"},
		{"1s server send text hello", 1, "hello does not belong here"},
		{"1s server close 70000", 1, "the close code"},
		{"2s server send text\n1s server send text", 2, "before that of the line above"},
		{"1x server send text", 1, `the time is "1x"`},
		{"1s server send text\nrun 999ms", 2, "after the end of the run"},
		{"run 1s\n1s server send text", 2, "behind the line run"},
		{"run 0s", 1, "above 0"},
		{"run 1s\nrun 1s", 2, "second line"},
		{"settle\nrun 1s", 1, "must follow"},
		{"server puppet\n1s server bytes 8", 2, "neither bytes in hex"},
		{"server puppet\n1s server bytes", 2, "the bytes are missing"},
		{"server puppet\n1s server frame 16", 2, "the opcode"},
		{`server puppet` + "\n" + `1s server frame text "a" last`, 2, `"last" is no flag`},
		{"1s network rain", 1, "what the network does"},
		{"1s network clog server", 1, "how long is missing"},
		{"run 1s\n---- server", 2, `this must be the line "----"`},
		{"roles both\nrun 1s\n----", 3, `this must be the line "---- server"`},
		{"roles both\nrun 1s\n---- server\npassed", 4, "are missing"},
		{"run 1s\n----\n----", 3, "too many lines"},
		{"world a\nrun 1s", 2, "nothing but choices"},
		{"world a\nworld b", 2, "second line"},
		{"world", 1, "the name of the world is missing"},
		{"run 1s\x00", 1, "does not belong in a line"},
	} {
		_, err := sim.ParseScenario([]byte(test.text))
		var at *sim.ScenarioError
		if !errors.As(err, &at) || at.Line != test.line || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want line %d: %s", test.text, err, test.line, test.want)
		}
	}
}

// planted is a world with a bug that needs one choice.
func planted(w *sim.World) {
	server := w.Server("server", func() sim.App {
		return sim.AppFunc(func(n *sim.Node, ev sim.Event) {
			if ev.Kind == sim.Message && n.Choose(8) == 3 {
				w.Fail("the third answer was given to %q", ev.Data)
			}
		})
	})
	w.Client("client", server, func() sim.App {
		return sim.AppFunc(func(_ *sim.Node, ev sim.Event) {
			if ev.Kind == sim.Opened {
				ev.Conn.SendText("hello")
			}
		})
	})
}

func TestScenarioOfAFinding(t *testing.T) {
	var failed *sim.Result
	for seed := uint64(0); failed == nil || failed.Failure == nil; seed++ {
		failed = sim.Run(sim.FromSeed(seed), planted, sim.RunOptions{})
	}
	f := sim.Investigate(planted, failed, sim.RunOptions{}, sim.InvestigateOptions{})
	s := sim.NewScenario("planted", f)
	again, err := sim.ParseScenario(s.Format())
	if err != nil {
		t.Fatalf("%v in\n%s", err, s.Format())
	}
	if !bytes.Equal(again.Format(), s.Format()) || again.World() != "planted" {
		t.Errorf("read again:\n%s\nwritten:\n%s", again.Format(), s.Format())
	}
	got, err := again.Run(map[string]func(*sim.World){"planted": planted}, sim.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, again.Outcomes) {
		t.Errorf("run again:\n%s\nexpected:\n%s", got[0].Text, again.Outcomes[0].Text)
	}
	if got[0].Verdict() != "violated: the application's own" {
		t.Errorf("verdict %q", got[0].Verdict())
	}
	if _, err := again.Run(nil, sim.RunOptions{}); err == nil {
		t.Error("a world that is not there can be run")
	}
}

func TestScenarioIsTheSameTwice(t *testing.T) {
	s, err := sim.ParseScenario([]byte(everyLine))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := s.Run(nil, sim.RunOptions{})
	second, _ := s.Run(nil, sim.RunOptions{})
	if len(first) != 2 || !reflect.DeepEqual(first, second) {
		t.Errorf("two runs differ:\n%v\n%v", first, second)
	}
}

func FuzzScenario(f *testing.F) {
	f.Add([]byte(everyLine))
	f.Add([]byte("world a\nchoice b 1 2/3 # c\n----\npassed\n"))
	f.Add([]byte("server puppet\n0s server frame text \"a\" length=9\n1s client close 1000\nrun 1m"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := sim.ParseScenario(text)
		if err != nil {
			return
		}
		once := s.Format()
		again, err := sim.ParseScenario(once)
		if err != nil {
			t.Fatalf("%v in\n%s", err, once)
		}
		if twice := again.Format(); !bytes.Equal(once, twice) {
			t.Fatalf("formatted once:\n%q\ntwice:\n%q", once, twice)
		}
		if !reflect.DeepEqual(s.Outcomes, again.Outcomes) || !reflect.DeepEqual(s.Choices(), again.Choices()) {
			t.Fatalf("outcomes or choices changed in\n%s", once)
		}
		if s.World() == "" && len(text) < 1000 {
			if _, err := s.Run(nil, sim.RunOptions{Steps: 2000}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
