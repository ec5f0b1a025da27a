// Package specrules holds the rules of api/README.md that a machine can check.
// "make generate" runs them before anything is generated, and the tests of api
// run them again.
package specrules

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// Problem is one broken rule.
type Problem struct {
	File  string // from the root of the module, with slashes
	Where string // the operation, the schema, or the line; empty for the file as a whole
	Rule  string
	Found string
}

func (p Problem) String() string {
	where := p.File
	if p.Where != "" {
		where += ": " + p.Where
	}
	return where + "\n\trule:  " + p.Rule + "\n\tfound: " + p.Found
}

// A spec is one file of a vendor: as kin-openapi reads it, and as the text has it.
type spec struct {
	file string
	doc  *openapi3.T
	root *yaml.Node
}

// rule is one line of the table. check reports each place that breaks it.
type rule struct {
	name  string
	check func(s *spec, report func(where, found string))
}

// specRules are all rules of a spec, in the order in which they are reported.
func specRules(copied *Phrases) []rule {
	return slices.Concat(documentRules, operationRules, schemaRules, textRules(copied))
}

// Check looks at what each vendor has in api below root, the folder of the
// module. It returns everything that breaks a rule, sorted by file. copied is what no text may hold.
// The error is about reading files only.
func Check(root string, copied *Phrases) ([]Problem, error) {
	names, problems, err := vendors(root)
	if err != nil {
		return nil, err
	}
	texts := map[string]map[string][]byte{} // by file and vendor
	for _, f := range vendorFiles {
		texts[f.name] = map[string][]byte{}
		for _, name := range names {
			file := "api/" + name + "/" + f.name
			data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				problems = append(problems, Problem{File: file, Rule: f.rule, Found: "no such file; " + f.remedy})
			case err != nil:
				return nil, err
			default:
				texts[f.name][name] = data
			}
		}
	}
	for name, data := range texts[specFile] {
		problems = append(problems, CheckSpec("api/"+name+"/"+specFile, data, copied)...)
	}
	problems = append(problems, checkSettings(root, texts[settingsFile])...)
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.File, b.File) })
	return problems, nil
}

// CheckSpec checks the text of one spec. file names it in the problems.
func CheckSpec(file string, data []byte, copied *Phrases) []Problem {
	s := &spec{file: file, root: new(yaml.Node)}
	if err := yaml.Unmarshal(data, s.root); err != nil {
		return []Problem{{File: file, Rule: "the file is YAML", Found: err.Error()}}
	}
	// Decoding into a value, not into nodes, finds a key that stands twice.
	if err := s.root.Decode(new(any)); err != nil {
		return []Problem{{File: file, Rule: "the file is YAML", Found: err.Error()}}
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return []Problem{{File: file, Rule: "the file is OpenAPI", Found: err.Error()}}
	}
	if doc.Paths == nil || doc.Components == nil {
		return []Problem{{File: file, Rule: "the file is OpenAPI", Found: "no paths or no components"}}
	}
	s.doc = doc
	var problems []Problem
	for _, r := range specRules(copied) {
		r.check(s, func(where, found string) {
			problems = append(problems, Problem{File: file, Where: where, Rule: r.name, Found: found})
		})
	}
	return problems
}

// unless is what a check found: nothing when all is well.
func unless(ok bool, found string) string {
	if ok {
		return ""
	}
	return cmp.Or(strings.TrimSpace(found), "nothing")
}
