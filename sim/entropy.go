package sim

// newEntropy returns a source of mask keys for the connection of that name. It
// is the same in all runs: nothing that a world does depends on its keys.
func newEntropy(name string) func() uint32 {
	z := hashName(name)
	return func() uint32 {
		z += golden
		return uint32(mix(z) >> 32)
	}
}
