package chart

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seconds returns d in seconds, exact to the nanosecond, without a unit and
// without groups of three decimals that are all 0: "58", "58.250", "58.000001".
func seconds(d time.Duration) string {
	sign := ""
	n := uint64(d)
	if d < 0 {
		sign, n = "-", -n
	}
	whole := sign + strconv.FormatUint(n/1e9, 10)
	frac := fmt.Sprintf("%09d", n%1e9)
	for strings.HasSuffix(frac, "000") {
		frac = frac[:len(frac)-3]
	}
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
