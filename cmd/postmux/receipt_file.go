package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// keepReceipt writes the receipt of a mail whose outcome is unknown to a file of its own
// and returns what to do next, in lines. Only text output needs it: with --json the
// receipt is on stdout.
func keepReceipt(ctx context.Context, c *provider.Client, r *provider.Receipt) []string {
	if !c.Has(feature.MessageSettle) {
		return []string{"next: look into the account at " + r.Provider + ", which lists no sent mail to programs, before you send it again"}
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return []string{"the receipt cannot be kept: " + terminal.Printable(err.Error())}
	}
	name, err := writeReceipt(ctx, append(data, '\n'))
	if err != nil {
		line, _ := terminal.Marshal(r) // as above
		return []string{
			"the receipt cannot be kept: " + terminal.Printable(err.Error()),
			"this is it, for status --receipt FILE --settle: " + string(line),
		}
	}
	name = terminal.Printable(name)
	return []string{
		"the receipt is in " + name + ", readable by you alone: it holds recipients and subject",
		"next, in a minute: postmux status --receipt " + name + " --settle",
	}
}

// writeReceipt writes a receipt to a new file of this folder, or of the one for temporary
// files.
func writeReceipt(ctx context.Context, data []byte) (string, error) {
	base := "postmux-unknown-" + time.Now().UTC().Format("20060102T150405Z")
	var problems error
	for _, dir := range []string{"", os.TempDir()} {
		for n := 1; n < 100; n++ {
			name := filepath.Join(dir, base+".json")
			if n > 1 {
				name = filepath.Join(dir, fmt.Sprintf("%s-%d.json", base, n))
			}
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			if err == nil {
				if err = writeOut(ctx, f, data); err == nil {
					return name, nil
				}
				_ = os.Remove(name) // half a receipt is none
			}
			problems = errors.Join(problems, err)
			break
		}
	}
	return "", problems
}

// writeOut writes a new file, and waits until the disk has it.
func writeOut(ctx context.Context, f *os.File, data []byte) error {
	disk := journal.DiskOf(ctx, f)
	_, err := disk.Write(data)
	if err == nil {
		err = disk.Sync()
	}
	if closed := disk.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = journal.SyncDir(ctx, filepath.Dir(f.Name()))
	}
	return err
}
