//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package contactfile

// noFollow is nothing where the system has no such flag; links are refused before.
const noFollow = 0
