//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package contactfile

import "syscall"

// noFollow makes opening a link an error.
const noFollow = syscall.O_NOFOLLOW
