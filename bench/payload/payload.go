// Package payload makes what the benchmarks send: the same bytes in every run.
package payload

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A Set is a cycle of messages that a connection sends again and again.
type Set struct {
	Name     string
	Text     bool
	Messages [][]byte

	// Connections is how many send it at a time.
	Connections int
}

// Size returns the length of the average message, in bytes.
func (s *Set) Size() int {
	total := 0
	for _, p := range s.Messages {
		total += len(p)
	}
	return total / len(s.Messages)
}

// Sets returns all of them.
func Sets() []*Set {
	return []*Set{
		{Name: "json-150", Text: true, Connections: 16, Messages: cycle(256, func(i int) []byte { return tick(i) })},
		{Name: "json-1k", Text: true, Connections: 64, Messages: cycle(64, func(i int) []byte { return JSON(i, 1<<10) })},
		{Name: "json-16k", Text: true, Connections: 16, Messages: cycle(16, func(i int) []byte { return JSON(i, 16<<10) })},
		{Name: "text-1m", Text: true, Connections: 4, Messages: cycle(3, func(i int) []byte { return Prose(i, 1<<20) })},
		{Name: "noise-16k", Connections: 16, Messages: cycle(16, func(i int) []byte { return Noise(i, 16<<10) })},
	}
}

// Binary returns a Set of messages of n bytes that cannot be compressed.
func Binary(n int) *Set {
	return &Set{Name: "binary", Messages: cycle(messages(n), func(i int) []byte { return Noise(i, n) })}
}

// Text returns a Set of texts of n bytes, all of them ASCII.
func Text(n int) *Set {
	return &Set{Name: "text", Text: true, Messages: cycle(messages(n), func(i int) []byte { return Prose(i, n) })}
}

// Foreign returns a Set of texts of n bytes, few of them ASCII.
func Foreign(n int) *Set {
	return &Set{Name: "foreign", Text: true, Messages: cycle(messages(n), func(i int) []byte { return foreign(i, n) })}
}

// messages is of how many messages of n bytes a cycle is: of 64, or as many as are 1
// MiB.
func messages(n int) int { return min(max(1<<20/n, 1), 64) }

func cycle(n int, message func(i int) []byte) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = message(i)
	}
	return list
}

func random(i int) *rand.Rand { return rand.New(rand.NewPCG(7692, uint64(i))) }

// tick is one of a stream of small messages that resemble each other.
func tick(i int) []byte {
	rnd := random(i)
	return fmt.Appendf(nil, `{"type":"trade","symbol":"%s","price":%.2f,"size":%d,"side":"%s","time":"2026-11-29T12:%02d:%02d.%03dZ","id":%d,"venue":"X%d","seq":%d}`,
		symbols[rnd.IntN(len(symbols))], 10+rnd.Float64()*990, 1+rnd.IntN(5000), sides[rnd.IntN(2)],
		i/60%60, i%60, rnd.IntN(1000), 1_000_000_000+rnd.IntN(1_000_000), rnd.IntN(9), i)
}

var (
	symbols = strings.Fields("ACME GLOBEX INITECH UMBRELLA HOOLI STARK WAYNE WONKA")
	sides   = strings.Fields("buy sell")
	words   = strings.Fields(`time person year way day thing man world life hand part child eye woman place work week case point
		government company number group problem fact be have do say get make go know take see come think look want give use find
		tell ask seem feel try leave call good new first last long great little own other old right big high different small
		large next early young important few public bad same able to of in for on with at by from up about into over after the
		and a that it not he as you this but his they her she or an will my one all would there their`)
)

// JSON returns an object of records, of exactly n bytes, which are at least 32.
func JSON(i, n int) []byte {
	rnd := random(i)
	p := []byte(`{"items":[`)
	for {
		record := fmt.Appendf(nil, `{"id":%d,"name":"%s %s","active":%t,"score":%.3f,"tags":["%s","%s"]},`,
			rnd.IntN(1_000_000), word(rnd), word(rnd), rnd.IntN(2) == 0, rnd.Float64()*100, word(rnd), word(rnd))
		if len(p)+len(record)+len(end) > n {
			break
		}
		p = append(p, record...)
	}
	for len(p)+len(end) < n {
		p = append(p, ' ')
	}
	return append(p, end...)
}

const end = `{}]}`

func word(rnd *rand.Rand) string { return words[rnd.IntN(len(words))] }

// Prose returns n bytes of words, some of them far more common than others.
func Prose(i, n int) []byte {
	rnd := random(i)
	common := rand.NewZipf(rnd, 1.2, 3, uint64(len(words)-1))
	p := make([]byte, 0, n+16)
	for len(p) < n {
		p = append(p, words[common.Uint64()]...)
		switch rnd.IntN(12) {
		case 0:
			p = append(p, ", "...)
		case 1:
			p = append(p, ".\n"...)
		default:
			p = append(p, ' ')
		}
	}
	return p[:n]
}

// strange are words of characters of two, three and four bytes.
var strange = strings.Fields("τα πάντα ῥεῖ пожалуйста здравствуйте שלום 世界 こんにちは 안녕하세요 नमस्ते 🌍🌎🌏 naïve café 𝄞𝄢")

// foreign returns n bytes of words, with spaces at the end where no word fits.
func foreign(i, n int) []byte {
	rnd := random(i)
	p := make([]byte, 0, n)
	for {
		w := strange[rnd.IntN(len(strange))]
		if len(p)+len(w)+1 > n {
			break
		}
		p = append(append(p, w...), ' ')
	}
	for len(p) < n {
		p = append(p, ' ')
	}
	return p
}

// Noise returns n bytes that cannot be compressed.
func Noise(i, n int) []byte {
	rnd := random(i)
	p := make([]byte, n)
	for k := range p {
		p[k] = byte(rnd.Uint32())
	}
	return p
}
