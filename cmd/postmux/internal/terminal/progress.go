package terminal

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress is a bar on a terminal, and nothing elsewhere.
type Progress struct {
	bar *progressbar.ProgressBar // nil: no terminal
}

// NewProgress begins a bar for total items; -1 when their number is not known.
func NewProgress(w io.Writer, total int, items string) *Progress {
	if !IsTerminal(w) {
		return &Progress{}
	}
	return &Progress{bar: progressbar.NewOptions(total,
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
	if p.bar != nil {
		_ = p.bar.Add(n) // what a terminal does not show is no failure
	}
}

// Clear makes room for a line; the bar comes back with the next item.
func (p *Progress) Clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
