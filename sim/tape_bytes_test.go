package sim_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/sim"
)

func TestBytesAnswerInTheOrderOfAsking(t *testing.T) {
	tape := sim.FromBytes([]byte{
		7,          // of 10
		13,         // of 10
		255,        // of 256
		0x01, 0x02, // of 257
		0x10, 0x20, 0x30, // of 1<<24
		8, 7, 6, 5, 4, 3, 2, 1, // of all
		9, 6, // 3 in 10
		1, 0, // 1 in 1
		5, 3, // magnitude 5 is 16 to 31
		0, // no magnitude: no more bytes
		4, // the last byte
	})
	a, b := tape.Stream("a"), tape.Stream("b")
	got := []uint64{
		a.Choose(10), b.Choose(10), a.Choose(1), a.Choose(256), b.Choose(257), a.Choose(1 << 24), b.Choose(math.MaxUint64),
		truth(a.Chance(3, 10)), truth(a.Chance(3, 10)), truth(a.Chance(1, 1)), truth(b.Chance(1, 1)), truth(a.Chance(0, 10)),
		uint64(a.Scale(0, time.Second)), uint64(b.Scale(100, time.Second)),
		a.Choose(5), a.Choose(5), truth(a.Chance(9, 10)), uint64(a.Scale(0, 9)),
	}
	want := []uint64{
		7, 3, 0, 255, 0x0201 % 257, 0x302010, 0x0102030405060708,
		1, 0, 1, 0, 0,
		19, 100,
		4, 0, 0, 0,
	}
	if !slices.Equal(got, want) {
		t.Errorf("answers\n%v, want\n%v", got, want)
	}
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// FuzzTape asks what the bytes say, of all kinds of tape: every answer is in
// its range, and the choices repeat it.
func FuzzTape(f *testing.F) {
	f.Add([]byte(nil), []byte("\x00\x01\x02\x03\x04\x05"), uint64(0))
	f.Add([]byte("answers of a tape"), []byte("asked in this order"), uint64(1))
	f.Add([]byte{255, 254, 253, 252, 251, 250, 249, 248, 247, 246}, []byte{6, 7, 12, 13, 255, 0}, uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, data, questions []byte, seed uint64) {
		for _, tape := range []*sim.Tape{sim.FromBytes(data), sim.FromSeed(seed)} {
			want := interview(t, tape, questions)
			list := tape.Choices()
			again, err := sim.FromChoices(list)
			if err != nil {
				t.Fatal(err)
			}
			if got := interview(t, again, questions); !slices.Equal(got, want) {
				t.Fatalf("answers %v, repeated as %v", want, got)
			}
			if got := again.Choices(); !slices.Equal(got, list) {
				t.Fatalf("choices %v, repeated as %v", list, got)
			}
			if m := again.Mismatches(); len(m) != 0 {
				t.Fatal(m)
			}
			parsed, err := sim.ParseChoices(string(sim.AppendChoices(nil, list)))
			if err != nil || !slices.Equal(parsed, list) {
				t.Fatalf("choices %v read back as %v, %v", list, parsed, err)
			}
		}
	})
}

// interview asks one question a byte and checks the range of the answer.
func interview(t *testing.T, tape *sim.Tape, questions []byte) (answers []uint64) {
	streams := []*sim.Stream{tape.Stream("a"), tape.Stream("b c")}
	for _, q := range questions {
		s, size := streams[q&1], uint64(1)<<(q>>3*2)
		lo := -time.Duration(q)
		hi := lo + time.Duration(size)
		var v, highest uint64
		switch q >> 1 & 3 {
		case 0:
			v, highest = s.Choose(size+1), size
		case 1:
			v, highest = truth(s.Chance(uint64(q), size)), 1
		case 2:
			v, highest = uint64(s.Between(lo, hi)-lo), size
		case 3:
			v, highest = uint64(s.Scale(lo, hi)-lo), size
		}
		if v > highest {
			t.Fatalf("question %#x: %d is above %d", q, v, highest)
		}
		answers = append(answers, v)
	}
	return answers
}
