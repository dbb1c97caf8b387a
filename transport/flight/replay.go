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
	birth Birth
	each  func(*Step) error

	m     transport.Machine
	words []uint32 // of the call under way
	drawn int
	hands hands
	step  Step
}

func (p *replay) run(make func(Birth) (transport.Machine, error)) error {
	p.birth = p.Birth
	p.birth.Make = make
	config := p.birth.Settings.Config()
	config.Entropy = p.draw
	var err error
	if p.birth.Settings, err = core.NewSettings(config); err != nil {
		return &FormatError{err.Error()}
	}
	if !p.Dropped {
		if err := p.begin(); err != nil {
			return err
		}
	}
	d := decoder{b: p.records}
	ctx := prior{now: p.birth.Now}
	var rec record
	for d.record(&rec, &ctx) {
		p.step.Call = &rec.call
		p.step.At = rec.call.Now.Sub(p.birth.Now)
		if err := p.next(&rec); err != nil {
			return err
		}
		p.step.Index++
	}
	return nil
}

// begin makes the machine as it was made then.
func (p *replay) begin() error {
	p.words = p.Recording.words
	var err error
	if p.m, err = p.birth.Machine(); err != nil {
		return p.refused("the machine cannot be made", err)
	}
	if p.drawn != len(p.words) {
		return &FormatError{fmt.Sprintf("the birth drew %d words of entropy, not %d", p.drawn, len(p.words))}
	}
	return nil
}

// refused is the error of a machine that cannot be made: the file is to blame if
// that is the native core.
func (p *replay) refused(what string, err error) error {
	if p.birth.Make == nil {
		return &FormatError{what + ": " + err.Error()}
	}
	return fmt.Errorf("flight recording: %s: %w", what, err)
}

func (p *replay) release() {
	if p.m != nil {
		transport.Release(p.m)
		p.m = nil
	}
}

// draw is the entropy: what was recorded, and zero when more is asked for.
func (p *replay) draw() uint32 {
	p.drawn++
	if p.drawn > len(p.words) {
		return 0
	}
	return p.words[p.drawn-1]
}

func (p *replay) next(rec *record) error {
	if rec.call.Op.saves() {
		return p.checkpoint(&rec.call)
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

// checkpoint compares the state with the one that was kept, or goes on from that.
func (p *replay) checkpoint(c *Call) error {
	p.step.Answer = Answer{}
	if p.m == nil || c.Op == Gap {
		if err := p.restore(c.Data); err != nil {
			return err
		}
		return p.tell("", "")
	}
	if state := snapshotOf(p.m, nil); len(state) > 0 && !bytes.Equal(state, c.Data) {
		return p.tell("the state of the checkpoint", "another one")
	}
	return p.tell("", "")
}

// restore makes a machine that goes on from state.
func (p *replay) restore(state []byte) error {
	p.release()
	p.words, p.drawn = nil, 0
	birth := p.birth
	birth.State = state
	var err error
	if p.m, err = birth.Machine(); err != nil {
		return p.refused("a checkpoint cannot be used", err)
	}
	if p.birth.Make != nil && !bytes.Equal(snapshotOf(p.m, nil), state) {
		return errNoState
	}
	return nil
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
