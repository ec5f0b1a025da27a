//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package journal

import (
	"errors"
	"os"
	"syscall"
)

// Locks says whether Lock keeps others away.
const Locks = true

// Lock keeps other runs of the tool away from f until it is closed, also by
// the end of the process. It reports whether one has it now. A file system
// without locks keeps nobody away.
func Lock(f *os.File) (inUse bool) {
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
