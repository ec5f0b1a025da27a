// Package reader reads the API descriptions that vendors publish, broken ones
// included. What is broken in a known way is repaired, and each repair is
// listed; only a file that is no description is refused.
//
// The result has no prose: titles, descriptions and examples are left out, so
// that nothing of a vendor's text can reach a report or a suggestion. It has no
// allOf, oneOf and anyOf either: the parts of an allOf become one schema, and so
// do the alternatives of a union, with every field that one of them has. Fields
// of a form that write out the items of a list are that list. So two descriptions
// of one thing can be compared field by field.
package reader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Repair is one place of a file that was read otherwise than it is written.
type Repair struct {
	Kind  Kind   `json:"kind"`
	Place string `json:"place"` // a line of the text, or the keys that lead to the place
}

// Kind says what was wrong with a place, and what was made of it.
type Kind string

// The kinds of repairs.
const (
	BadEncoding     Kind = "bytes that are no UTF-8 or no text: left out"
	BadEscape       Kind = "unknown escapes in a text: read as the characters themselves"
	LooseJSON       Kind = "commas, comments or line ends that JSON does not allow: left out"
	LooseYAML       Kind = "lines that are no strict YAML: read as plain text"
	Tabs            Kind = "tabs as indentation: read as two spaces"
	DuplicateKey    Kind = "keys that appear twice: merged, the later value wins"
	NoVersion       Kind = "no version of OpenAPI or Swagger: guessed from the keys"
	OtherType       Kind = "values of another type: converted to the expected one"
	UselessValue    Kind = "values of a type that cannot be converted: left out"
	UnknownKey      Kind = "keys that the format does not have: left out"
	DanglingRef     Kind = "references that lead nowhere: read as any value"
	OtherFile       Kind = "references to another file: read as any value"
	OtherPart       Kind = "references to a part of another kind: converted"
	ShortRef        Kind = "references by an old or short name: resolved by the name"
	Conflict        Kind = "parts of an allOf that contradict each other: the later one wins"
	OddType         Kind = "names of types that do not exist: read as the nearest one"
	TypeList        Kind = "lists of types, which OpenAPI 3.0 does not have: read as in 3.1"
	NoItems         Kind = "arrays without items: read as arrays of any value"
	OddServer       Kind = "server URLs that are no URLs: left out"
	NoSlash         Kind = "paths without a slash at the beginning: one was added"
	OddPath         Kind = "paths with a query, or with :name for a parameter: rewritten"
	EmptyPath       Kind = "paths without an operation: left out"
	NoAnswer        Kind = "operations without a response: read as one without a body"
	OddStatus       Kind = "response codes that are none: left out"
	OddParameter    Kind = "parameters without a name, or there twice: left out"
	NoPlace         Kind = "parameters without a known place: read as path or query parameters"
	BodyParameter   Kind = "body and form parameters in OpenAPI 3: read as the request body"
	BareType        Kind = "types beside a parameter in OpenAPI 3: read as its schema"
	RequiredAtField Kind = "required: true at a field: read as part of its object's list"
)

// File is what was read.
type File struct {
	Version string // as "OpenAPI 3.0.3" or "Swagger 2.0"
	Doc     *openapi3.T
	Repairs []Repair // in the order in which they were made
}

// Read reads a description of OpenAPI 3.0, 3.1 or 3.2, or Swagger 2, as JSON or YAML.
func Read(data []byte) (*File, error) {
	t := &tidier{told: map[Repair]bool{}}
	top, err := t.text(data)
	if err != nil {
		return nil, err
	}
	root, ok := top.(map[string]any)
	if !ok {
		return nil, errors.New("is neither a JSON nor a YAML object")
	}
	if err := t.version(root); err != nil {
		return nil, err
	}
	skeleton := t.document(root)
	if len(skeleton["paths"].(map[string]any)) == 0 {
		return nil, errors.New("is a description without a single operation" + t.elsewhere())
	}
	out, err := json.Marshal(skeleton)
	if err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(out)
	if err != nil {
		return nil, fmt.Errorf("cannot be loaded, even repaired: %w", err)
	}
	return &File{Version: t.kind, Doc: doc, Repairs: t.repairs}, nil
}

// elsewhere is a hint for a file that is only the entry to others.
func (t *tidier) elsewhere() string {
	for _, r := range t.repairs {
		if r.Kind == OtherFile {
			return "; it refers to other files: put all into one file first"
		}
	}
	return ""
}

// version finds out which format the file has, or why it is none.
func (t *tidier) version(root map[string]any) error {
	if v, ok := root["openapi"]; ok {
		text := scalar(v)
		if !strings.HasPrefix(text, "3.") {
			return fmt.Errorf("is OpenAPI %s; 3.0 to 3.2 and Swagger 2.0 can be read", text)
		}
		t.kind, t.lists = "OpenAPI "+text, !strings.HasPrefix(text, "3.0")
		return nil
	}
	if v, ok := root["swagger"]; ok {
		if text := scalar(v); text != "2.0" && text != "2" {
			return fmt.Errorf("is Swagger %s; 2.0 can be read", text)
		}
		t.kind, t.swagger = "Swagger 2.0", true
		return nil
	}
	if paths, ok := root["paths"].(map[string]any); !ok || len(paths) == 0 {
		return errors.New("has neither a key openapi nor a key swagger: not an API description")
	}
	t.repair(NoVersion, "")
	_, definitions := root["definitions"]
	_, base := root["basePath"]
	t.kind, t.swagger = "OpenAPI without a version", definitions || base
	if t.swagger {
		t.kind = "Swagger without a version"
	}
	return nil
}

// looksLike refuses what is plainly something else, before anybody tries to repair it.
func looksLike(data []byte) error {
	if len(data) == 0 {
		return errors.New("is empty")
	}
	if data[0] == '<' {
		if bytes.Contains(bytes.ToLower(data[:min(len(data), 200)]), []byte("html")) {
			return errors.New(
				"is an HTML page and not a description; was a page about the file saved, or a login?",
			)
		}
		return errors.New("is XML and not a description")
	}
	return nil
}
