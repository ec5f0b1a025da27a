package httpx

import (
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails when a test leaves a goroutine behind. Idle connections of the
// shared transports are not leaks; they are closed first.
func TestMain(m *testing.M) {
	machine := wall
	wall = func() time.Time { return machine().Add(time.Duration(jumped.Load())) }
	goleak.VerifyTestMain(closing{m})
}

type closing struct{ *testing.M }

func (c closing) Run() int {
	code := c.M.Run()
	transports.Range(func(_, t any) bool {
		t.(*http.Transport).CloseIdleConnections()
		return true
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	return code
}
