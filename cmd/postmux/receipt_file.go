package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// keepReceipt writes the receipt of a mail whose outcome is unknown to a file of its own
// and returns what to do next, in lines. Only text output needs it: with --json the
// receipt is on stdout.
func keepReceipt(c *provider.Client, r *provider.Receipt) []string {
	if !c.Has(feature.MessageSettle) {
		return []string{"next: look into the account at " + r.Provider + ", which lists no sent mail to programs, before you send it again"}
	}
	name, err := writeReceipt(r)
	if err != nil {
		return []string{"the receipt cannot be kept: " + terminal.Printable(err.Error())}
	}
	name = terminal.Printable(name)
	return []string{
		"the receipt is in " + name + ", readable by you alone: it holds recipients and subject",
		"next, in a minute: postmux status --receipt " + name + " --settle",
	}
}

// writeReceipt writes r to a new file of this folder, or of the one for temporary files.
func writeReceipt(r *provider.Receipt) (string, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	base := "postmux-unknown-" + time.Now().UTC().Format("20060102T150405Z")
	for _, dir := range []string{"", os.TempDir()} {
		for n := 1; n < 100; n++ {
			name := filepath.Join(dir, base+".json")
			if n > 1 {
				name = filepath.Join(dir, fmt.Sprintf("%s-%d.json", base, n))
			}
			var f *os.File
			if f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); errors.Is(err, fs.ErrExist) {
				continue
			}
			if err != nil {
				break
			}
			_, err = f.Write(append(data, '\n'))
			if closed := f.Close(); err == nil {
				err = closed
			}
			if err == nil {
				return name, nil
			}
			break
		}
	}
	return "", err
}
