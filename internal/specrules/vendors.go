package specrules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postmux/postmux/api"
)

const (
	specFile     = "openapi.yaml"
	settingsFile = "oapi-codegen.yaml"
	listFile     = "api/vendors.tsv"
)

// vendorFile is a file that each vendor must have in its folder of api.
type vendorFile struct{ name, rule, remedy string }

var vendorFiles = []vendorFile{
	{
		name: specFile,
		rule: "every vendor has a spec", remedy: "write it by the rules of api/README.md",
	},
	{
		name:   settingsFile,
		rule:   "every vendor has settings of the generator",
		remedy: "copy those of another vendor and change package",
	},
	{
		name:   "SOURCES.md",
		rule:   "every vendor says where its spec comes from",
		remedy: "name the vendor's documents and what of them is corrected or guessed",
	},
	{
		name:   "operations.tsv",
		rule:   "every vendor lists the operations that it documents",
		remedy: "write one line for each: method, path, curated or ignored, the reason",
	},
}

// vendors are the names on the list and the folders of api that look like a
// vendor's, with a problem for each that is not both.
func vendors(root string) (names []string, problems []Problem, err error) {
	entries, err := os.ReadDir(filepath.Join(root, "api"))
	if err != nil {
		return nil, nil, err
	}
	report := func(found string) {
		problems = append(problems, Problem{File: listFile, Rule: "the list has one row for every vendor", Found: found})
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(listFile)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		report("no such file")
	case err != nil:
		return nil, nil, err
	default:
		rows, err := api.ParseVendors(string(text))
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				report(line)
			}
		}
		for _, v := range rows {
			if v.Spec != "" { // reported already
				names = append(names, v.Spec)
			}
		}
	}
	for _, e := range entries {
		if hasAny(root, e.Name()) && !slices.Contains(names, e.Name()) {
			report("no row for api/" + e.Name() + "; add one")
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("%s: no spec", filepath.Join(root, "api"))
	}
	return names, problems, nil
}

// hasAny reports whether a folder of api holds a file that only a vendor has.
func hasAny(root, folder string) bool {
	return slices.ContainsFunc(vendorFiles, func(f vendorFile) bool {
		_, err := os.Stat(filepath.Join(root, "api", folder, f.name))
		return err == nil
	})
}
