package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/fb1e3c20/websockets/bench/peers"
)

// lines are values of servers over something that grows, both by powers.
type lines struct {
	title, up, across string
	at                []point
	curves            []curve
}

type point struct {
	value float64
	label string
}

type curve struct {
	name   string
	hue    string
	values []float64 // at each point
}

// Where the lines are, in pixels.
const (
	linesLeft, linesRight  = 60, 560
	linesTop, linesBottom  = 64, 364
	namesLeft, namesHeight = linesRight + 14, 15
)

// hues are those of the curves, in the order of all peers. All can be read on white
// and on black.
var hues = []string{"#2f81f7", "#00a6c8", "#e5484d", "#1a9447", "#b08800", "#a371f7", "#db61a2", "#0e9a9a", "#d9730d", "#7d8590", "#a0a000"}

func hueOf(peer string) string {
	i := slices.IndexFunc(peers.All(), func(p *peers.Peer) bool { return p.Name == peer })
	return hues[max(i, 0)%len(hues)]
}

func (l *lines) draw(s *svg) {
	s.width, s.height = namesLeft+110, linesBottom+44
	s.text(8, 24, "title", l.title)
	s.text(8, 44, "", l.up)
	low, high := l.powers()
	l.drawAxes(s, low, high)
	y := func(v float64) float64 { return scale(v, low, high, linesBottom, linesTop) }
	for _, c := range l.curves {
		path := ""
		for k, v := range c.values {
			path += fmt.Sprintf("%c%.1f %.1f", "ML"[min(k, 1)], l.x(k), y(v))
		}
		fmt.Fprintf(&s.body, "<path d=\"%s\" class=\"%s\" style=\"stroke:%s\"/>\n", path, classOf(c.name), c.hue)
	}
	l.drawNames(s, y)
}

func (l *lines) x(i int) float64 {
	return scale(l.at[i].value, l.at[0].value, l.at[len(l.at)-1].value, linesLeft, linesRight)
}

// scale places v between two pixels, by its logarithm.
func scale(v, low, high, from, to float64) float64 {
	if high <= low {
		return (from + to) / 2
	}
	return from + (to-from)*math.Log(max(v, low)/low)/math.Log(high/low)
}

// powers returns the powers of ten that all values are between.
func (l *lines) powers() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, c := range l.curves {
		for _, v := range c.values {
			low, high = min(low, max(v, 1e-3)), max(high, max(v, 1e-3))
		}
	}
	return math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
}

func (l *lines) drawAxes(s *svg, low, high float64) {
	for v := low; v <= high*1.01; v *= 10 {
		y := scale(v, low, high, linesBottom, linesTop)
		fmt.Fprintf(&s.body, "<path d=\"M%d %.1fH%d\" class=\"axis\"/>\n", linesLeft, y, linesRight)
		s.text(linesLeft-6, y+4, "end", fmt.Sprint(math.Round(v*1000)/1000))
	}
	for i, p := range l.at {
		s.text(l.x(i), linesBottom+18, "middle", p.label)
	}
	s.text((linesLeft+linesRight)/2, linesBottom+36, "middle", l.across)
}

// drawNames writes the names in the order in which the curves end.
func (l *lines) drawNames(s *svg, y func(float64) float64) {
	order := make([]int, len(l.curves))
	for i := range order {
		order[i] = i
	}
	last := func(i int) float64 { return l.curves[i].values[len(l.at)-1] }
	slices.SortStableFunc(order, func(a, b int) int { return int(last(b)*1e3) - int(last(a)*1e3) })
	at := math.Inf(-1)
	for k, i := range order {
		lowest := float64(linesBottom - (len(order)-1-k)*namesHeight)
		at = min(max(y(last(i)), at+namesHeight), lowest)
		fmt.Fprintf(&s.body, "<text x=\"%d\" y=\"%.0f\" style=\"fill:%s\">%s</text>\n", namesLeft, at+4, l.curves[i].hue, l.curves[i].name)
	}
}
