//go:build race

package httpx

// raced: aborted HTTP/2 streams are left out under the race detector, which
// reports net/http's own rewinding of bodies (golang/go#41234).
const raced = true
