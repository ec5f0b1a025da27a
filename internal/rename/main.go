// Command rename moves the module to another path: it rewrites go.mod and every
// import in the tree.
//
//	go run ./internal/rename example.org/your/postmux
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 || strings.ContainsAny(os.Args[1], " \"") || !strings.Contains(os.Args[1], "/") {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/rename example.org/your/postmux   (in the root of the module)")
		os.Exit(2)
	}
	if err := rename(".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// kinds are the files in which the module path stands.
var kinds = []string{".go", ".mod", ".work", ".yaml", ".yml", ".tmpl", ".golden", ".md"}

func rename(dir, to string) error {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(mod), "\n")
	from, ok := strings.CutPrefix(line, "module ")
	if !ok {
		return fmt.Errorf("go.mod does not begin with a module line")
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir() || !slices.Contains(kinds, filepath.Ext(path)):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed := bytes.ReplaceAll(data, []byte(from), []byte(to))
		if bytes.Equal(data, changed) {
			return nil
		}
		return os.WriteFile(path, changed, 0o600)
	})
}
