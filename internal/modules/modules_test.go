// Package modules_test holds the list of this repository's modules against the tree.
// Makefile, CI and the release read the list.
package modules_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root    = "../.."
	library = "github.com/postmux/postmux"
)

// Modes of a module: how it finds the library.
const (
	isLibrary = "library"   // it is the library
	workspace = "workspace" // it requires a released version, and go.work has the tree
	apart     = "apart"     // its go.mod replaces the library by the tree
)

type module struct{ folder, mode string }

func list(t *testing.T) []module {
	t.Helper()
	data, err := os.ReadFile("modules.tsv")
	require.NoError(t, err)
	var out []module
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		cells := strings.Split(line, "\t")
		require.Len(t, cells, 3, "line %d", i+1)
		if i > 0 {
			out = append(out, module{folder: cells[0], mode: cells[1]})
		}
	}
	return out
}

type version struct{ Path, Version string }

// goMod is what a test needs of a go.mod or a go.work.
type goMod struct {
	Require []version
	Replace []struct{ Old, New version }
	Use     []struct{ DiskPath string }
}

func parse(t *testing.T, command, file string) goMod {
	t.Helper()
	require.FileExists(t, filepath.Join(root, file)) // go test asks again when the file changes
	out, err := exec.CommandContext(t.Context(), "go", command, "edit", "-json", filepath.Join(root, file)).Output()
	require.NoError(t, err, file)
	var m goMod
	require.NoError(t, json.Unmarshal(out, &m))
	return m
}

func TestListHasEveryModule(t *testing.T) {
	var want, got []string
	for _, m := range list(t) {
		want = append(want, filepath.ToSlash(filepath.Join(m.folder, "go.mod")))
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && path != root) {
			return filepath.SkipDir
		}
		if name == "go.mod" {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			got = append(got, filepath.ToSlash(rel))
		}
		return nil
	})
	require.NoError(t, err)
	assert.ElementsMatch(t, want, got, "internal/modules/modules.tsv lists what Makefile, CI and the release work on")
}

func TestWorkFile(t *testing.T) {
	work := parse(t, "work", "go.work")
	var use, want []string
	for _, u := range work.Use {
		use = append(use, filepath.Clean(u.DiskPath))
	}
	for _, m := range list(t) {
		if m.mode != apart {
			want = append(want, filepath.Clean(m.folder))
		}
	}
	assert.ElementsMatch(t, want, use)
	// A version that another module requires may not be out yet.
	replaced := map[string]string{library: "./"}
	for _, m := range list(t) {
		for _, r := range parse(t, "mod", filepath.Join(m.folder, "go.mod")).Require {
			if folder, ok := strings.CutPrefix(r.Path, library+"/"); ok {
				replaced[r.Path] = "./" + folder
			}
		}
	}
	got := make(map[string]string)
	for _, r := range work.Replace {
		got[r.Old.Path] = r.New.Path
		assert.Equal(t, work.Replace[0].Old.Version, r.Old.Version, r.Old.Path)
	}
	assert.Equal(t, replaced, got)
}

func TestRequirementsAndReplaces(t *testing.T) {
	released := parse(t, "work", "go.work").Replace[0].Old.Version
	for _, m := range list(t) {
		t.Run(m.folder, func(t *testing.T) {
			mod := parse(t, "mod", filepath.Join(m.folder, "go.mod"))
			required := ""
			if i := slices.IndexFunc(mod.Require, func(r version) bool { return r.Path == library }); i >= 0 {
				required = mod.Require[i].Version
			}
			switch m.mode {
			case isLibrary:
				assert.Empty(t, mod.Replace, "a replace does nothing for those who import the library")
				assert.Empty(t, required)
			case workspace:
				assert.Empty(t, mod.Replace, "go install refuses a module with a replace")
				assert.Equal(t, released, required, "go.work replaces the version that is required")
				for _, r := range mod.Require {
					if strings.HasPrefix(r.Path, library+"/") {
						assert.Equal(t, released, r.Version, r.Path)
					}
				}
			case apart:
				for _, r := range mod.Replace {
					assert.Equal(t, library, r.Old.Path)
					rel, err := filepath.Rel(m.folder, ".")
					require.NoError(t, err)
					assert.Equal(t, filepath.ToSlash(rel), r.New.Path)
				}
				assert.Equal(t, required != "", len(mod.Replace) == 1, "it measures this tree and no release")
			default:
				t.Errorf("mode %q: expected %s, %s or %s", m.mode, isLibrary, workspace, apart)
			}
		})
	}
}
