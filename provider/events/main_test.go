package events

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a handler, a poll or a forward leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
