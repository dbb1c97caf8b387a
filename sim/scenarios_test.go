package sim

import "testing"

// The scenarios expect the same of every machine.
func TestScenariosOnAnotherMachine(t *testing.T) {
	var r register
	Scenarios(t, "testdata/scenarios/*.scenario", nil, Machine(r.machine))
	r.check(t, 100)
}
