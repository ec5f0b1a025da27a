package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/yaml"
)

// vendorFile is a vendor's description, as OpenAPI 3, its paths relative to the
// base of the curated spec.
type vendorFile struct {
	name    string // file name without folders, for the report
	version string // "OpenAPI 3.0.3" or "Swagger 2.0"
	doc     *openapi3.T
	hosts   []string // scheme and host of each server
	folded  []string // paths that were left out, because another one differs in parameter names only
}

// fileError says in one line which file is wrong and how.
func fileError(file, format string, args ...any) error {
	return fmt.Errorf("%s: %s", file, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
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
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	object, kind, err := parse(data)
	if err != nil {
		return nil, fileError(file, "%v", err)
	}
	if data, err = json.Marshal(object); err != nil {
		return nil, fileError(file, "cannot be written as JSON: %v", err)
	}
	out := &vendorFile{name: filepath.Base(file), version: kind}
	if strings.HasPrefix(kind, "Swagger") {
		out.doc, err = fromSwagger(data)
	} else {
		out.doc, err = openapi3.NewLoader().LoadFromData(data)
	}
	if err != nil {
		return nil, fileError(file, "%s", explain(err))
	}
	if out.doc.Paths.Len() == 0 {
		return nil, fileError(file, "is a description without a single path")
	}
	out.fold(base)
	// Examples, defaults and patterns of vendors are often wrong, and say nothing here.
	err = out.doc.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(),
		openapi3.DisableSchemaPatternValidation())
	if err != nil {
		return nil, fileError(file, "is not a valid %s document: %v", kind, err)
	}
	return out, nil
}

// parse looks at the outside of a file: what it is, or what is wrong with it.
func parse(data []byte) (object map[string]any, kind string, err error) {
	if len(data) == 0 {
		return nil, "", errors.New("is empty")
	}
	if data[0] == '<' {
		if strings.Contains(strings.ToLower(string(data[:min(len(data), 200)])), "html") {
			return nil, "", errors.New("is an HTML page and not a description; was a page about the file saved, or a login?")
		}
		return nil, "", errors.New("is XML and not a description")
	}
	var top any
	if _, err := yaml.Unmarshal(data, &top, yaml.DecodeOpts{}); err != nil {
		return nil, "", fmt.Errorf("is neither JSON nor YAML: %w", err)
	}
	object, ok := top.(map[string]any)
	if !ok {
		return nil, "", errors.New("is neither a JSON nor a YAML object")
	}
	if v, ok := object["openapi"]; ok {
		text := fmt.Sprint(v)
		if !strings.HasPrefix(text, "3.0") && !strings.HasPrefix(text, "3.1") {
			return nil, "", fmt.Errorf("is OpenAPI %s; 3.0, 3.1 and Swagger 2.0 can be compared", text)
		}
		object["openapi"] = text // YAML without quotes gives a number
		return object, "OpenAPI " + text, nil
	}
	if v, ok := object["swagger"]; ok {
		if text := fmt.Sprint(v); text != "2.0" && text != "2" {
			return nil, "", fmt.Errorf("is Swagger %s; 2.0 can be compared", text)
		}
		object["swagger"] = "2.0"
		return object, "Swagger 2.0", nil
	}
	return nil, "", errors.New("has neither a key openapi nor a key swagger: not an API description")
}

// fromSwagger converts a Swagger 2 description to OpenAPI 3 and resolves its references.
func fromSwagger(data []byte) (*openapi3.T, error) {
	var old openapi2.T
	if err := old.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&old)
}

// explain turns the loader's words for the two commonest faults into a sentence of ours.
func explain(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "disallowed external reference"):
		return "refers to another file; put all into one file first: " + text
	case strings.Contains(text, "resolv") || strings.Contains(text, "$ref"):
		return "has a reference that leads nowhere: " + text
	}
	return "cannot be loaded: " + text
}
