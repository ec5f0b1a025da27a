package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/postmux/postmux/internal/drift/reader"
)

// vendorFile is a vendor's description, as OpenAPI 3, its paths relative to the
// base of the curated spec.
type vendorFile struct {
	name    string // file name without folders, for the report
	version string // "OpenAPI 3.0.3" or "Swagger 2.0"
	doc     *openapi3.T
	hosts   []string // scheme and host of each server
	folded  []string // paths that were left out, because another one differs in parameter names only
	repairs []reader.Repair
}

// fileError says in one line which file is wrong and how.
func fileError(file, format string, args ...any) error {
	return fmt.Errorf(
		"%s: %s",
		file,
		strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "),
	)
}

// readVendorFile reads a vendor's file and folds its paths to what they are below base,
// the path of the curated spec's server.
func readVendorFile(file, base string) (*vendorFile, error) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fileError(file, "no such file")
	case err != nil:
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return nil, fileError(file, "cannot be read: %v", err)
	}
	read, err := reader.Read(data)
	if err != nil {
		return nil, fileError(file, "%v", err)
	}
	out := &vendorFile{
		name:    filepath.Base(file),
		version: read.Version,
		doc:     read.Doc,
		repairs: read.Repairs,
	}
	out.fold(base)
	return out, nil
}

// readVendorFiles reads the files in which a vendor describes one API, as one
// description. An operation that stands in several is taken from the first.
func readVendorFiles(files []string, base string) (*vendorFile, error) {
	var all *vendorFile
	for _, file := range files {
		f, err := readVendorFile(file, base)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = f
			continue
		}
		for i := range f.repairs {
			f.repairs[i].Place = f.name + ": " + f.repairs[i].Place
		}
		all.name += " + " + f.name
		all.hosts, all.repairs = append(all.hosts, f.hosts...), append(all.repairs, f.repairs...)
		for path, item := range f.doc.Paths.Map() {
			if here := all.doc.Paths.Find(path); here != nil {
				join(here, item, path, path)
			} else {
				all.doc.Paths.Set(path, item)
			}
		}
	}
	return all, nil
}
