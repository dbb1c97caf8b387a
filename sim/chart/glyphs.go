package chart

// glyphs are the characters that a text chart is made of.
type glyphs struct {
	life, gap                            rune   // lifelines
	right, left                          rune   // where an arrow leaves or meets its lifeline
	wire, cross                          rune   // an arrow, and where it passes a lifeline
	slow, slowCross                      rune   // an arrow that takes its time
	headRight, headLeft                  rune   // arrived
	laterRight, laterLeft                rune   // will arrive
	lost                                 rune   //
	fault, faultCross, broken, brokenMet rune   // bands over all lifelines
	kinds                                []rune // by Kind
	ellipsis, dot, to                    string //
}

var unicodeGlyphs = glyphs{
	life: '│', gap: '┊',
	right: '├', left: '┤', wire: '─', cross: '┼', slow: '╌', slowCross: '┼',
	headRight: '▶', headLeft: '◀', laterRight: '▷', laterLeft: '◁', lost: '✕',
	fault: '━', faultCross: '┿', broken: '═', brokenMet: '╪',
	kinds:    []rune("·├◆○◷■↯★✗"),
	ellipsis: "…", dot: " · ", to: " ▶ ",
}

var asciiGlyphs = glyphs{
	life: '|', gap: ':',
	right: '+', left: '+', wire: '-', cross: '+', slow: '.', slowCross: '+',
	headRight: '>', headLeft: '<', laterRight: ')', laterLeft: '(', lost: 'x',
	fault: '~', faultCross: '~', broken: '=', brokenMet: '=',
	kinds:    []rune(".+@oT#!*X"),
	ellipsis: "...", dot: "; ", to: " > ",
}
