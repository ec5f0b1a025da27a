package httpx

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// With Go's default of two idle connections, each call of a batch over HTTP/1.1
// would dial and shake hands anew.
func TestTransportKeepsConnectionsOfABatch(t *testing.T) {
	tr, err := transport(transportKey{})
	require.NoError(t, err)
	const most = 256 // the largest concurrency
	assert.GreaterOrEqual(t, tr.MaxIdleConnsPerHost, most)
	assert.GreaterOrEqual(t, tr.MaxIdleConns, tr.MaxIdleConnsPerHost)
	assert.Zero(t, tr.MaxConnsPerHost, "limits are kept by the limiter, where they can be told")
	assert.True(t, tr.ForceAttemptHTTP2)
}
