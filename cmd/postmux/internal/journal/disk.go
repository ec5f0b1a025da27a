package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// Disk is what is needed of a file to write to it.
type Disk interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
}

type diskKey struct{}

// OnDisk returns a context under which every file of the tool is written to through what
// wrap makes of it. Tests make a disk full with it, or end the process in a write.
func OnDisk(ctx context.Context, wrap func(Disk) Disk) context.Context {
	return context.WithValue(ctx, diskKey{}, wrap)
}

// DiskOf returns what f is written to through.
func DiskOf(ctx context.Context, f *os.File) Disk {
	if wrap, ok := ctx.Value(diskKey{}).(func(Disk) Disk); ok {
		return wrap(f)
	}
	return f
}

// SyncDir waits until the disk has the names of a folder, so that a new file, or one that
// was moved into place, is found there after a crash of the machine. Where the system or
// the file system cannot do that, its own habits must do.
func SyncDir(ctx context.Context, name string) error {
	d, err := os.Open(name)
	if err != nil {
		return nil //nolint:nilerr // a folder that cannot be read: files in it can be
	}
	disk := DiskOf(ctx, d)
	err = disk.Sync()
	_ = disk.Close() // nothing was written to it
	if err == nil || runtime.GOOS == "windows" || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return fmt.Errorf("cannot write the folder %s: %w", name, err)
}
