package main

import (
	"bytes"
	"flag"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
)

var fullEvery = flag.Int("full-every", 23, "TestDiskFullAtEveryWrite makes every N-th write fail; 1 for each of them")

// fullDisk is a disk on which all files of a run and its stdout are. One operation fails,
// and where it stays full all later ones do.
type fullDisk struct {
	left  int // operations until one fails
	stays bool
	hit   bool
}

// fails reports whether the next operation does.
func (d *fullDisk) fails() bool {
	d.left--
	if d.left == 0 || d.stays && d.left < 0 {
		d.hit = true
		return true
	}
	return false
}

type fullFile struct {
	journal.Disk
	disk *fullDisk
}

func (f fullFile) Write(p []byte) (int, error) {
	if f.disk.fails() {
		n, _ := f.Disk.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	return f.Disk.Write(p)
}

func (f fullFile) Sync() error {
	if f.disk.fails() {
		return syscall.EIO
	}
	return nil // a real one takes its time
}

func (f fullFile) Truncate(size int64) error {
	if f.disk.fails() {
		return syscall.EIO
	}
	return f.Disk.Truncate(size)
}

type fullOutput struct {
	io.Writer
	disk *fullDisk
}

func (o fullOutput) Write(p []byte) (int, error) {
	if o.disk.fails() {
		return 0, syscall.ENOSPC
	}
	return o.Writer.Write(p)
}

// At whatever write the disk is full, the run says so and ends, and when there is room the
// job is done: nothing twice, nothing lost, nothing untold.
func TestDiskFullAtEveryWrite(t *testing.T) {
	var all labCount
	for _, vendor := range labVendors() {
		for _, job := range labJobs(vendor) {
			t.Run(vendor+"/"+job, func(t *testing.T) {
				var count labCount
				for _, stays := range []bool{false, true} {
					step := *fullEvery
					if raceEnabled {
						step *= 5
					}
					for n := 1; ; n += step {
						l := newLab(t, vendor, job, nil)
						disk := &fullDisk{left: n, stays: stays}
						ctx := journal.OnDisk(t.Context(), func(d journal.Disk) journal.Disk { return fullFile{d, disk} })
						var out, errOut bytes.Buffer
						code := run(ctx, l.args(), strings.NewReader(""), fullOutput{&out, disk}, &errOut)
						count.runs++
						if !disk.hit {
							require.Contains(t, []int{exit.Done, exit.Partly}, code, errOut.String())
							l.check(&count, code, out.String())
							break
						}
						count.faults++
						assert.NotEqual(t, exit.Done, code, "operation %d: %s", n, errOut.String())
						assert.Contains(t, errOut.String(), "cannot ", "operation %d", n)
						r := postmux(t, l.args()...)
						count.runs++
						l.check(&count, r.code, r.out)
						if t.Failed() {
							t.Fatalf("operation %d, stays %v: %s\n%s", n, stays, errOut.String(), r.errOut)
						}
					}
				}
				count.none(t)
				t.Log(count)
				all.add(count)
			})
		}
	}
	t.Log(all)
	require.Positive(t, all.faults)
}
