package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/oasdiff/yaml"
)

// project is what this project has of one provider.
type project struct {
	provider string
	spec     string             // the file of the curated spec
	base     string             // path of the curated server's URL, as /v3
	host     string             // and its scheme and host
	curated  map[string]curated // by key
	listed   map[string]listed  // rows of operations.tsv, by key
	tags     map[string]string  // of curated operations, by key
	users    map[string][]string

	corrections corrections // what SOURCES.md explains
}

// curated is an operation of our spec.
type curated struct{ method, path, id string }

// listed is a row of operations.tsv. named is the newest description that has
// the operation, as 2026-02; empty where the list does not say.
type listed struct{ path, state, reason, named string }

func openProject(root, provider string) (*project, error) {
	p := &project{provider: provider}
	folder := filepath.Join(root, "api", provider)
	p.spec = filepath.Join(folder, "openapi.yaml")
	if err := p.readSpec(p.spec); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no curated spec of %q in %s", provider, filepath.Join(root, "api"))
		}
		return nil, err
	}
	if err := p.readList(filepath.Join(folder, "operations.tsv")); err != nil {
		return nil, err
	}
	if err := p.readSources(filepath.Join(folder, "SOURCES.md")); err != nil {
		return nil, err
	}
	adapter, ours, err := adapterOf(filepath.Join(root, "api", "vendors.tsv"), provider)
	if err != nil {
		return nil, err
	}
	return p, p.readUsers(root, adapter, ours)
}

// adapterOf reads from vendors.tsv (spec, driver, adapter, files, name) in which
// folder a provider's generated client is used, and which of its files use it:
// where several specs share a folder, one without a pattern has the files that no
// other row claims.
func adapterOf(file, provider string) (folder string, ours func(name string) bool, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	pattern, claimed := "", map[string][]string{} // patterns by folder
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			return "", nil, fileError(file, "line %d has %d columns and not 5", i+1, len(f))
		}
		if f[0] == provider {
			folder, pattern = f[2], f[3]
		}
		claimed[f[2]] = append(claimed[f[2]], f[3])
	}
	if folder == "" {
		return "", nil, fileError(file, "has no row for %s", provider)
	}
	return folder, func(name string) bool {
		if pattern != "" {
			return matches(pattern, name)
		}
		return !slices.ContainsFunc(claimed[folder], func(p string) bool { return matches(p, name) })
	}, nil
}

func matches(pattern, name string) bool {
	ok, err := filepath.Match(pattern, name)
	return ok && err == nil
}

func (p *project) readSpec(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var spec struct {
		Servers []struct {
			URL string `json:"url"`
		} `json:"servers"`
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if _, err := yaml.Unmarshal(data, &spec, yaml.DecodeOpts{}); err != nil {
		return fileError(file, "%v", err)
	}
	if len(spec.Servers) != 1 {
		return fileError(file, "has %d servers and not one", len(spec.Servers))
	}
	p.host, p.base = serverPath(spec.Servers[0].URL)
	p.curated, p.tags = map[string]curated{}, map[string]string{}
	for path, item := range spec.Paths {
		for method, raw := range item {
			var op struct {
				OperationID string   `json:"operationId"`
				Tags        []string `json:"tags"`
			}
			if json.Unmarshal(raw, &op) != nil || op.OperationID == "" {
				continue // a key of the path item that is no method, as parameters
			}
			method = strings.ToUpper(method)
			p.curated[key(method, path)] = curated{method, path, op.OperationID}
			if len(op.Tags) > 0 {
				p.tags[key(method, path)] = op.Tags[0]
			}
		}
	}
	return nil
}

// readList reads operations.tsv: method, path, curated or ignored, reason.
func (p *project) readList(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	p.listed = map[string]listed{}
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := append(strings.Split(line, "\t"), "", "")
		if len(f) < 5 || f[2] != "curated" && f[2] != "ignored" {
			return fileError(file, "line %d is not METHOD, path, curated or ignored, reason, with tabs between", i+1)
		}
		p.listed[key(f[0], below(f[1], p.base))] = listed{f[1], f[2], f[3], f[4]}
	}
	return nil
}

// isAbout refuses a file with hardly any curated operation: compared, it would
// say that everything is gone, or that nothing of ours is touched. Some paths, as
// /senders, are the same at several vendors.
func (p *project) isAbout(file string, f *vendorFile) error {
	all, known := 0, 0
	for path, item := range f.doc.Paths.Map() {
		for method := range item.Operations() {
			all++
			if _, ok := p.curated[key(method, path)]; ok {
				known++
			}
		}
	}
	if 10*known < all {
		return fileError(file, "has %d operations, of which api/%s/openapi.yaml has %d; another API, or another version of it?", all, p.provider, known)
	}
	return nil
}

// readUsers finds calls like a.api.SendEmail in the files of an adapter, without
// its tests. The generated client is called api in every adapter.
func (p *project) readUsers(root, folder string, wanted func(string) bool) error {
	p.users = map[string][]string{}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || !wanted(name) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok || !isAPI(call.X) {
				return true
			}
			method, user := strings.ToLower(call.Sel.Name), folder+"/"+name
			if !slices.Contains(p.users[method], user) {
				p.users[method] = append(p.users[method], user)
			}
			return true
		})
	}
	return nil
}

func isAPI(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "api"
	case *ast.SelectorExpr:
		return x.Sel.Name == "api"
	}
	return false
}

// usedBy lists the adapter files that call a curated operation. The generator
// changes the case of initialisms in names, so case does not count.
func (p *project) usedBy(operationID string) []string {
	return p.users[strings.ToLower(operationID)]
}

// names reports whether a reason on the list names a curated operation, as in
// "misspelt; the operation is POST /orders/status": then it is another spelling
// of that one.
func (p *project) names(reason string) bool {
	words := strings.Fields(reason)
	for i := range len(words) - 1 {
		if _, ok := p.curated[key(words[i], words[i+1])]; ok {
			return true
		}
	}
	return false
}
