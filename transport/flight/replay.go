package flight

import (
	"bytes"
	"fmt"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
)

// A replay makes the calls of a recording.
type replay struct {
	*Recording
	make func(Birth) (transport.Machine, error)
	each func(*Step) error

	m     transport.Machine
	words []uint32 // of the call under way
	drawn int
	hands hands
	step  Step
}

func (p *replay) run() error {
	birth := p.Birth
	birth.Make = p.make
	config := birth.Settings.Config()
	config.Entropy = p.draw
	var err error
	if birth.Settings, err = core.NewSettings(config); err != nil {
		return &FormatError{err.Error()}
	}
	if p.Dropped && birth.Make != nil {
		return errNoState
	}
	if !p.Dropped {
		p.words = p.Recording.words
		if p.m, err = birth.Machine(); err != nil {
			return &FormatError{"the machine cannot be made: " + err.Error()}
		}
		if p.drawn != len(p.words) {
			return &FormatError{fmt.Sprintf("the birth drew %d words of entropy, not %d", p.drawn, len(p.words))}
		}
	}
	d := decoder{b: p.records}
	ctx := prior{now: birth.Now}
	var rec record
	for d.record(&rec, &ctx) {
		p.step.Call = &rec.call
		p.step.At = rec.call.Now.Sub(birth.Now)
		if err := p.next(&rec, birth.Settings); err != nil {
			return err
		}
		p.step.Index++
	}
	return nil
}

// draw is the entropy: what was recorded, and zero when more is asked for.
func (p *replay) draw() uint32 {
	p.drawn++
	if p.drawn > len(p.words) {
		return 0
	}
	return p.words[p.drawn-1]
}

func (p *replay) next(rec *record, s *core.Settings) error {
	if rec.call.Op.saves() {
		return p.checkpoint(rec, s)
	}
	p.words, p.drawn = rec.words, 0
	p.step.Answer = p.hands.do(p.m, &rec.call)
	got := digestOf(&p.step.Answer, p.m, p.drawn)
	theirs, ours := "", ""
	switch n := p.step.Answer.N; {
	case rec.call.Op == Recv && n != len(rec.call.Data) || rec.call.Op == Discarded && n != rec.call.N:
		theirs, ours = "all of it taken", bytesOf(n)+" taken"
	case got != rec.digest:
		theirs, ours = rec.digest.differs(got, p.Birth.Now)
	}
	return p.tell(theirs, ours)
}

// checkpoint compares the state with the one that was kept, or takes that.
func (p *replay) checkpoint(rec *record, s *core.Settings) error {
	p.step.Answer = Answer{}
	native, isNative := p.m.(*core.Conn)
	switch {
	case p.m != nil && !isNative && rec.call.Op == Gap:
		return errNoState
	case p.m != nil && !isNative:
		return p.tell("", "")
	case p.m != nil && rec.call.Op == Checkpoint:
		if !bytes.Equal(native.AppendSnapshot(nil), rec.call.Data) {
			return p.tell("the state of the checkpoint", "another one")
		}
		return p.tell("", "")
	}
	c, err := core.RestoreConn(s, rec.call.Data)
	if err != nil {
		return &FormatError{"a checkpoint cannot be used: " + err.Error()}
	}
	p.m = c
	return p.tell("", "")
}

// tell passes the step on, and ends the replay if it diverges.
func (p *replay) tell(recorded, replayed string) error {
	p.step.Diverges = recorded != ""
	if p.each == nil && !p.step.Diverges {
		return nil
	}
	p.step.State = stateOf(p.m)
	p.step.m = p.m
	if p.each != nil {
		if err := p.each(&p.step); err != nil {
			return err
		}
	}
	if p.step.Diverges {
		return &Divergence{&p.step, recorded, replayed}
	}
	return nil
}
