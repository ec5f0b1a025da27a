package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
)

// readResults reads the lines of a result file before it is written to. To
// resume it must be there; otherwise it must be new or empty. keep is how much
// of it counts: a last line that was torn off by a crash does not.
func readResults(name string, resume bool, line func(number int, data []byte) error) (keep int64, err error) {
	f, err := os.Open(name)
	switch {
	case errors.Is(err, os.ErrNotExist) && !resume:
		return 0, nil
	case err != nil:
		return 0, usageErr("--results", "cannot read the file: %v", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, usageErr("--results", "%s is not a regular file", name)
	} else if !resume && info.Size() > 0 {
		return 0, usageErr("--results", "%s is there already and not empty; --resume goes on with it", name)
	}
	r := bufio.NewReaderSize(f, 256<<10)
	for number := 1; ; number++ {
		data, err := r.ReadBytes('\n')
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return 0, usageErr("--results", "cannot read the file: %v", err)
		case err != nil && !json.Valid(data):
			return keep, nil
		}
		if err := line(number, bytes.TrimSpace(data)); err != nil {
			return 0, usageErr("--results", "%s: line %d: %v", name, number, err)
		}
		if keep += int64(len(data)); err != nil {
			return keep, nil
		}
	}
}

// appendTo opens a result file for writing behind its first keep bytes.
func appendTo(name string, keep int64) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600) // addresses and subjects are nobody else's business
	if err != nil {
		return nil, usageErr("--results", "cannot write the file: %v", err)
	}
	err = f.Truncate(keep)
	if err == nil {
		_, err = f.Seek(keep, io.SeekStart)
	}
	last := []byte{'\n'}
	if err == nil && keep > 0 {
		_, err = f.ReadAt(last, keep-1)
	}
	if err == nil && last[0] != '\n' {
		_, err = f.Write([]byte{'\n'})
	}
	if err != nil {
		_ = f.Close()
		return nil, usageErr("--results", "cannot write the file: %v", err)
	}
	return f, nil
}
