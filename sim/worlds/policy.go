package worlds

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/sim"
)

// sometimesCompressed chooses whether the nodes that follow compress: in one of so
// many runs they do.
func sometimesCompressed(w *sim.World, runs int) {
	if w.Choose("compression", runs) == runs-1 {
		w.Config.Compression = &core.Compression{}
	}
}

// policy chooses how n compresses, or that it does not, if its world does.
func policy(n *sim.Node) *sim.Node {
	if n.Config.Compression == nil {
		return n
	}
	choose := func(k int) int { return n.World().Choose(n.Name()+" compression", k) }
	c := &core.Compression{
		SendWindowBits:    windows[choose(len(windows))],
		ReceiveWindowBits: windows[choose(len(windows))],
		NoSendTakeover:    choose(3) == 2,
		NoReceiveTakeover: choose(3) == 2,
		Level:             levels[choose(len(levels))],
		Threshold:         thresholds[choose(len(thresholds))],
	}
	if choose(6) == 5 {
		c = nil
	}
	n.Config.Compression = c
	return n
}

var (
	windows    = [...]int{0, 8, 9, 10, 11, 12, 13, 14, 15}
	levels     = [...]int{0, 1, 2, 6, 9}
	thresholds = [...]int{0, -1, 1, 65, 200}
)
