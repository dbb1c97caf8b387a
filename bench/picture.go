package main

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A picture draws itself.
type picture interface{ draw(*svg) }

// draw writes a picture to a file NAME.svg, if pictures were asked for.
func (p *plan) draw(name string, what picture) error {
	if p.pictures == "" {
		return nil
	}
	var s svg
	what.draw(&s)
	if err := os.MkdirAll(p.pictures, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.pictures, name+".svg"), s.bytes(), 0o644)
}

// An svg is a picture in the making, in pixels.
type svg struct {
	width, height int
	body          strings.Builder
}

// style follows the light or dark mode of whoever looks at it. The text has the class
// of its server, or none.
const style = `<style>
svg{color-scheme:light dark;font:12px system-ui,sans-serif}
text{fill:#333}.title{font-size:14px;font-weight:600}.axis{stroke:#bbb}.end{text-anchor:end}.middle{text-anchor:middle}
rect{fill:#9aa5b1}rect.ours{fill:#0969da}rect.floor{fill:#d4a72c}
path{fill:none;stroke-width:1.5;stroke:#9aa5b1}path.ours{stroke-width:3}
@media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#555}rect{fill:#6e7781}rect.ours{fill:#58a6ff}rect.floor{fill:#bb8009}}
</style>`

func (s *svg) bytes() []byte {
	return fmt.Appendf(nil, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%[1]d\" height=\"%d\">\n%s\n%s</svg>\n",
		s.width, s.height, style, s.body.String())
}

func (s *svg) text(x, y float64, class, text string) {
	fmt.Fprintf(&s.body, "<text x=\"%.0f\" y=\"%.0f\" class=\"%s\">%s</text>\n", x, y, class, html.EscapeString(text))
}

// classOf tells this library, and the servers without a library, from the others.
func classOf(peer string) string {
	switch {
	case strings.HasPrefix(peer, "websockets"):
		return "ours"
	case peer == "rawtcp" || peer == "epollfloor":
		return "floor"
	}
	return "other"
}

// bars are values of servers, in panels one below the other, each with a scale of its
// own.
type bars struct {
	title  string
	panels []panel
}

type panel struct {
	title string
	bars  []bar
}

type bar struct {
	name  string
	value float64
}

// barsOf draws what results tell, with the cheapest first.
func barsOf(title string, results []*result) picture {
	b := &bars{title: title}
	for _, r := range results {
		p := panel{title: r.title}
		for _, c := range r.costs {
			p.bars = append(p.bars, bar{c.peer, float64(c.cpu()) / 1e3})
		}
		slices.SortStableFunc(p.bars, func(a, b bar) int { return int(a.value*1e3) - int(b.value*1e3) })
		b.panels = append(b.panels, p)
	}
	return b
}

func (b *bars) draw(s *svg) {
	const left, row, longest = 100, 18, 500
	s.width = left + longest + 80
	y := 24.0
	s.text(8, y, "title", b.title)
	for _, p := range b.panels {
		y += 28
		s.text(left, y, "", p.title)
		most := 0.0
		for _, bar := range p.bars {
			most = max(most, bar.value)
		}
		y += 6
		for _, bar := range p.bars {
			length := longest * max(bar.value, 0) / max(most, 1e-9)
			s.text(left-6, y+13, "end", bar.name)
			fmt.Fprintf(&s.body, "<rect x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>\n", left, y+2, length, row-4, classOf(bar.name))
			s.text(left+length+5, y+13, "", significant(bar.value))
			y += row
		}
	}
	s.height = int(y) + 12
}
