// Package bounded reads what a person gives as a whole into memory, up to a size: a wrong
// file, or a device that never ends, must not take all of the memory.
package bounded

import (
	"fmt"
	"io"
	"os"
)

// TooLargeError is the error of what is larger than Most bytes.
type TooLargeError struct{ Most int }

func (e *TooLargeError) Error() string {
	if e.Most >= 1<<20 {
		return fmt.Sprintf("it is larger than %d MiB", e.Most>>20)
	}
	return fmt.Sprintf("it is larger than %d KiB", e.Most>>10)
}

// ReadAll reads r to its end, or returns a *TooLargeError once it has read more than most
// bytes.
func ReadAll(r io.Reader, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err == nil && len(data) > most {
		return nil, &TooLargeError{most}
	}
	return data, err
}

// ReadFile is ReadAll for a file. Of a regular file that is too large nothing is read.
func ReadFile(name string, most int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > int64(most) {
		return nil, &TooLargeError{most}
	}
	return ReadAll(f, most)
}
