package lite

import "syscall"

// fileSystem returns the number of the file system that has the file.
func fileSystem(path string) (kind uint32, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, false
	}
	return uint32(s.Type), true //nolint:gosec // the numbers have 32 bits, whatever the field has
}
