package httpx

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestAnswersAreCapped(t *testing.T) {
	big := bytes.Repeat([]byte(" "), 64<<20)
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(big)
	require.NoError(t, zip.Close())
	for _, status := range []int{200, 500} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			_, _ = w.Write(bomb.Bytes())
		})
		reply, err := newChain(t, url, nil).Do(t.Context(), sendCall(), new(sent))
		e := errorOf(t, err)
		assert.Equal(t, status, e.Status)
		if status == 200 {
			assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome, "white space proves nothing")
			assert.Contains(t, e.Message, "8 MiB")
		} else {
			assert.LessOrEqual(t, len(reply.Body), maxErrorAnswer)
		}
	}
}

// A large answer is put together from memory that the next one uses again.
func TestAnswersDoNotMix(t *testing.T) {
	read := func(c string) []byte {
		data, err := readCapped(strings.NewReader(strings.Repeat(c, 3*largestChunk)), maxAnswer, -1)
		require.NoError(t, err)
		return data
	}
	a := read("a")
	for range 4 {
		read("b")
	}
	assert.Equal(t, strings.Repeat("a", 3*largestChunk), string(a))
}
