package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// shape is a path without the names of its parameters and without a final slash.
func shape(path string) string {
	path = parameter.ReplaceAllString(path, "{}")
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

// key is what two descriptions of one operation have in common.
func key(method, path string) string { return method + " " + shape(path) }

// below is the part of a path under base. A path that does not lie under base
// stays: the vendor's file may leave the version out.
func below(path, base string) string {
	if rest, ok := strings.CutPrefix(path, base); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return path
}

// serverPath is the path of a server's URL, without the final slash.
func serverPath(raw string) (host, path string) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", ""
	}
	if u.Host != "" {
		host = u.Scheme + "://" + u.Host
	}
	return host, strings.TrimSuffix(u.Path, "/")
}

// fold rewrites the paths of a description to what they are below base, and
// leaves out what then stands there twice. The path of a server counts, so that
// it makes no difference whether the version stands there or in each path.
func (f *vendorFile) fold(base string) {
	prefix := ""
	for i, server := range f.doc.Servers {
		host, path := serverPath(server.URL)
		if i == 0 {
			prefix = path
		}
		if host != "" {
			f.hosts = append(f.hosts, host)
		}
	}
	items := f.doc.Paths.Map()
	paths := make([]string, 0, len(items))
	for path := range items {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	folded := openapi3.NewPaths()
	folded.Extensions = f.doc.Paths.Extensions
	first := map[string]string{}
	for _, path := range paths {
		to := below(prefix+path, base)
		if kept, ok := first[shape(to)]; ok {
			f.folded = append(f.folded, join(folded.Value(kept), items[path], kept, to)...)
			continue
		}
		first[shape(to)] = to
		folded.Set(to, items[path])
	}
	f.doc.Paths = folded
}

// join puts the operations of a second item with the same shape into the first,
// under the first one's parameter names, and tells which it left out because the
// first has that method too.
func join(into, from *openapi3.PathItem, kept, path string) []string {
	names := map[string]string{}
	here := parameter.FindAllString(kept, -1)
	for i, name := range parameter.FindAllString(path, -1) {
		names[strings.Trim(name, "{}")] = strings.Trim(here[i], "{}")
	}
	var left []string
	have := into.Operations()
	for method, op := range from.Operations() {
		if have[method] != nil {
			left = append(left, method+" "+path+" beside "+kept)
			continue
		}
		moved := *op
		moved.Parameters = nil
		for _, ref := range slices.Concat(from.Parameters, op.Parameters) {
			if ref.Value != nil && ref.Value.In == openapi3.ParameterInPath {
				renamed := *ref.Value
				renamed.Name = names[renamed.Name]
				ref = &openapi3.ParameterRef{Value: &renamed}
			}
			moved.Parameters = append(moved.Parameters, ref)
		}
		into.SetOperation(method, &moved)
	}
	slices.Sort(left)
	return left
}
