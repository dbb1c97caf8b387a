package sim

import (
	"testing"

	"github.com/fb1e3c20/websockets/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
