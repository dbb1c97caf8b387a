package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The simulator asks the tape on streams of its own. No node and no stream of a
// world may be named so that it shares one of them: its answers would depend on
// what else is asked there.
var (
	ownStreams  = []string{"order", "strike"}
	ownPrefixes = []string{"swarm.", "nemesis.", appStreams}
	ownSuffixes = []string{".app", ".lateness", ".drift", ".post"} // after the name of a node
)

// appStreams begins the names of the streams of [Node.Choose].
const appStreams = "app:"

// checkNodeName returns why a node cannot have that name, which names its
// connections and streams as well: "ann>room", "ann/2>room", "ann.drift".
func checkNodeName(name string) error {
	ambiguous := func(r rune) bool { return r == '>' || r == '/' || unicode.IsSpace(r) || unicode.IsControl(r) }
	switch {
	case name == "":
		return errors.New("a node has no name; names tell nodes, connections and choices apart")
	case strings.ContainsFunc(name, ambiguous):
		return fmt.Errorf("the node's name %q has a >, a slash, a space or a control character, which would make the names of connections ambiguous", name)
	}
	return nil
}

// checkStreamName returns why [World.Choose] cannot ask on the stream of that
// name.
func checkStreamName(name string) error {
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	if strings.Contains(name, ">") || slices.Contains(ownStreams, name) ||
		slices.ContainsFunc(ownPrefixes, begins) || slices.ContainsFunc(ownSuffixes, ends) {
		return fmt.Errorf("the simulator has streams like %q of its own; choose another name", name)
	}
	return nil
}
