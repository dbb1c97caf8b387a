package sim_test

import (
	"testing"

	"github.com/fb1e3c20/websockets/sim"
)

func TestScenarios(t *testing.T) { sim.Scenarios(t, "testdata/scenarios/*.scenario", nil) }
