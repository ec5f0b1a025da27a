package faultserver

import (
	"bytes"
	"compress/gzip"
	"strings"
	"sync"
	"time"
)

const (
	bombSize   = 512 << 20
	memberSize = 8 << 20
	headerSize = 1 << 20
	depth      = 100_000
)

var (
	filler = strings.Repeat(" ", 32<<10)
	never  time.Time
)

func after(d time.Duration) time.Time { return time.Now().Add(d) }

// reply is the answer of faults that answer whole.
func (s *Server) reply(fault Fault) Reply {
	switch fault.Kind {
	case Status:
		return fault.Reply
	case WrongType:
		return Reply{Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html><body>Welcome</body></html>"}
	case Bomb:
		return Reply{Status: 200, Header: map[string]string{"Content-Encoding": "gzip"}, Body: bomb()}
	case BigHeader:
		return Reply{Status: 200, Header: map[string]string{"X-Big": strings.Repeat("a", headerSize)}, Body: s.cfg.OK.Body}
	case Deep:
		return Reply{Status: 200, Body: `{"id":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`}
	}
	return s.cfg.OK
}

// bomb is about half a megabyte: one gzip member many times over, which
// decompress one after the other.
var bomb = sync.OnceValue(func() string {
	var member bytes.Buffer
	zip := gzip.NewWriter(&member)
	for n := 0; n < memberSize; n += len(filler) {
		_, _ = zip.Write([]byte(filler))
	}
	_ = zip.Close()
	return strings.Repeat(member.String(), bombSize/memberSize)
})

// Prepare makes what a fault of this kind needs in advance, so that a test that
// measures memory does not measure it.
func Prepare(kind Kind) {
	if kind == Bomb {
		bomb()
	}
}
