package terminal

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSecondInterrupt(t *testing.T) {
	stop, cancel := context.WithCancel(t.Context())
	signals := make(chan os.Signal)
	quiet := make(chan struct{})
	ctx, end := afterSecond(stop, signals, func() { close(quiet) })
	defer end()
	cancel()
	signals <- os.Interrupt
	assert.NoError(t, ctx.Err(), "the first one lets calls end")
	signals <- syscall.SIGTERM
	<-ctx.Done()
	<-quiet
}
