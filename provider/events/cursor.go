package events

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CursorStore keeps how far Poll has come, under the name of an account. What is written is
// durable before the method returns. A store that loses something makes events come again; it
// must not return what it never got.
type CursorStore interface {
	// Load returns what was stored; nothing and no error when there is nothing.
	Load(ctx context.Context, key string) ([]byte, error)
	// Append adds data at the end. When it fails or the process dies, a part of data may be
	// there.
	Append(ctx context.Context, key string, data []byte) error
	// Replace puts data in the place of all that is stored: all of it or nothing.
	Replace(ctx context.Context, key string, data []byte) error
}

// cursor is where the reading of a log stands.
type cursor struct {
	newest time.Time // of the events of all rounds that were finished, never in the future
	floor  time.Time // nothing before it is asked for again, because there is no room to know it
	// seen are the events that were handed on, by a part of their ID, with their time, or the
	// time at which they were last listed when they have none.
	seen map[uint64]uint32
}

// A stored cursor has a head and an entry for each event. Appended are entries alone.
const (
	cursorMagic = "pmc1"
	headSize    = len(cursorMagic) + 8 + 8 + 4 // newest, floor, sum of all before
	entrySize   = 8 + 4
)

// errDamaged is of a stored cursor that is none.
var errDamaged = errors.New("events: the stored cursor is damaged")

// parseCursor reads a stored cursor. whole is false when its end was not written: then
// nothing may be appended to it.
func parseCursor(data []byte) (c cursor, whole bool, err error) {
	c.seen = make(map[uint64]uint32)
	if len(data) == 0 {
		return c, false, nil
	}
	sum := headSize - 4
	if len(data) < headSize || !bytes.HasPrefix(data, []byte(cursorMagic)) || crc32.ChecksumIEEE(data[:sum]) != binary.BigEndian.Uint32(data[sum:]) {
		return c, false, errDamaged
	}
	c.newest = second(int64(binary.BigEndian.Uint64(data[len(cursorMagic):])))
	c.floor = second(int64(binary.BigEndian.Uint64(data[len(cursorMagic)+8:])))
	entries := data[headSize:]
	for len(entries) >= entrySize {
		c.seen[binary.BigEndian.Uint64(entries)] = binary.BigEndian.Uint32(entries[8:])
		entries = entries[entrySize:]
	}
	return c, len(entries) == 0, nil
}

func second(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

func unixOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// bytes is c as it is stored.
func (c *cursor) bytes() []byte {
	out := make([]byte, 0, headSize+len(c.seen)*entrySize)
	out = append(out, cursorMagic...)
	out = binary.BigEndian.AppendUint64(out, uint64(unixOf(c.newest)))
	out = binary.BigEndian.AppendUint64(out, uint64(unixOf(c.floor)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	for id, at := range c.seen {
		out = appendEntry(out, id, at)
	}
	return out
}

func appendEntry(b []byte, id uint64, at uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, id), at)
}

// forget drops the entries before a time, and then the oldest until at most most are left:
// the floor rises to the time of the last one dropped. It reports whether it did so.
func (c *cursor) forget(before time.Time, most int) (shrunk bool) {
	limit := clock(before)
	for id, at := range c.seen {
		if at < limit {
			delete(c.seen, id)
		}
	}
	if len(c.seen) <= most {
		return false
	}
	times := make([]uint32, 0, len(c.seen))
	for _, at := range c.seen {
		times = append(times, at)
	}
	slices.Sort(times)
	limit = times[len(times)-most-1] // of the newest that must go
	for id, at := range c.seen {
		if at <= limit {
			delete(c.seen, id)
		}
	}
	c.floor = second(int64(limit) + 1)
	return true
}

// clock is a time in an entry: seconds since 1970, which last until 2106.
func clock(t time.Time) uint32 {
	if t.IsZero() || t.Unix() < 0 {
		return 0
	}
	return uint32(min(t.Unix(), 1<<32-1))
}

// key is the part of an ID by which an event is known again.
func key(id string) uint64 {
	var sum uint64
	_, digits, _ := strings.Cut(id, "-")
	for i := range min(len(digits), 16) {
		c := digits[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		default:
			c = c - 'a' + 10
		}
		sum = sum<<4 | uint64(c&15)
	}
	return sum
}

// FileCursor keeps cursors in a folder, a file for each account. The folder is made when it
// is not there. Files are for the owner alone; they hold no addresses.
func FileCursor(folder string) CursorStore { return fileCursor(folder) }

type fileCursor string

func (f fileCursor) path(key string) (string, error) {
	if key == "" || strings.ContainsAny(key, `/\:`+"\x00") || strings.HasPrefix(key, ".") {
		return "", fmt.Errorf("events: the account %q cannot be the name of a file", key)
	}
	return filepath.Join(string(f), key+".cursor"), nil
}

func (f fileCursor) Load(_ context.Context, key string) ([]byte, error) {
	path, err := f.path(key)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (f fileCursor) Append(_ context.Context, key string, data []byte) error {
	path, err := f.path(key)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return written(file, data)
}

func (f fileCursor) Replace(_ context.Context, key string, data []byte) error {
	path, err := f.path(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(string(f), ".cursor-*")
	if err != nil {
		return err
	}
	err = written(file, data)
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	folder, err := os.Open(string(f)) // the name is durable with it
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// written writes data to a file, makes it durable and closes the file.
func written(file *os.File, data []byte) error {
	_, err := file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
