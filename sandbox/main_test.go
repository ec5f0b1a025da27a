package sandbox

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a sandbox leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
