package httpx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/provider"
)

// summed is a body that proves that it is whole and nobody else's.
type summed struct {
	Sum  string `json:"sum"`
	Text string `json:"text"`
}

// Memory of bodies is used again. Whatever becomes of the requests before (ended
// by their callers, answered before they were read, cut off), what arrives
// whole is what was sent.
func TestBodiesArriveIntact(t *testing.T) {
	var whole, wrong, early atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch rand.IntN(5) {
		case 0: // answers before it has read
			early.Add(1)
			w.WriteHeader(http.StatusBadRequest)
			return
		case 1: // reads some and breaks off
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			panic(http.ErrAbortHandler)
		case 2: // answers while it reads
			early.Add(1)
			_ = http.NewResponseController(w).EnableFullDuplex()
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			defer func() { _, _ = io.WriteString(w, "}") }()
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return // cut off
		}
		var body summed
		if sum := sha256.New(); json.Unmarshal(data, &body) != nil {
			wrong.Add(1)
		} else if sum.Write([]byte(body.Text)); hex.EncodeToString(sum.Sum(nil)) != body.Sum {
			wrong.Add(1)
		}
		whole.Add(1)
	})
	protocols := []bool{false}
	if !raced { // the detector finds a race inside net/http when HTTP/2 breaks off
		protocols = append(protocols, true)
	}
	for _, http2 := range protocols {
		srv := httptest.NewUnstartedServer(handler)
		srv.EnableHTTP2 = http2
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		chain, err := New(Config{
			Provider: "test", Auth: NoAuth(), Classify: func(*Answer) *provider.Error { return nil },
			Section: provider.Section{Common: provider.Common{BaseURL: srv.URL, Attempts: 1}},
			Env:     provider.Env{HTTPClient: srv.Client()},
		})
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for range 15 {
					text := strings.Repeat(string(rune('a'+rand.IntN(26))), rand.IntN(1<<(8+rand.IntN(11))))
					sum := sha256.Sum256([]byte(text))
					ctx, cancel := context.WithCancel(t.Context())
					if rand.IntN(3) == 0 {
						time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, cancel)
					}
					var out any
					_, _ = chain.Do(ctx, &rest.Call{Method: "POST", Route: "/mail", Effect: rest.Send, Kind: rest.JSON, Body: &summed{hex.EncodeToString(sum[:]), text}}, &out)
					cancel()
				}
			})
		}
		all.Wait()
		srv.Close()
	}
	assert.Zero(t, wrong.Load(), "bodies that are not what was sent")
	assert.Greater(t, whole.Load(), int64(100))
	assert.Greater(t, early.Load(), int64(100))
}
