package terminal

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress is a bar on a terminal, and nothing elsewhere.
type Progress struct {
	bar     *progressbar.ProgressBar // nil: no terminal
	begun   time.Time
	waiting int // items that the bar does not have yet
	shown   bool
}

// progressAfter is how long a command runs before its bar appears: the rate of the first
// moments is that of what was read from a file or was done before.
const progressAfter = time.Second

// NewProgress begins a bar for total items; -1 when their number is not known.
func NewProgress(w io.Writer, total int, items string) *Progress {
	if !IsTerminal(w) {
		return &Progress{}
	}
	return newProgress(under(w), total, items, time.Now())
}

func newProgress(w io.Writer, total int, items string, begun time.Time) *Progress {
	return &Progress{begun: begun, bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(items),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine of its own
		progressbar.OptionClearOnFinish(),
	)}
}

// Add counts n more items.
func (p *Progress) Add(n int) {
	if p.bar == nil {
		return
	}
	p.waiting += n
	if p.shown = p.shown || time.Since(p.begun) >= progressAfter; p.shown {
		_ = p.bar.Add(p.waiting) // what a terminal does not show is no failure
		p.waiting = 0
	}
}

// Clear makes room for a line; the bar comes back with the next item.
func (p *Progress) Clear() {
	if p.shown {
		_ = p.bar.Clear()
	}
}
