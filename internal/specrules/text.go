package specrules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is a node of the file with the keys that lead to it.
type place struct {
	keys []string
	node *yaml.Node
	key  bool // the node is a key itself
}

// String names the operation or schema, and the line.
func (p place) String() string {
	line := fmt.Sprintf("line %d", p.node.Line)
	switch {
	case len(p.keys) > 2 && p.keys[0] == "paths":
		return strings.ToUpper(p.keys[2]) + " " + p.keys[1] + ", " + line
	case len(p.keys) > 2 && p.keys[0] == "components":
		return "schema " + p.keys[2] + ", " + line
	}
	return line
}

// below reports whether one of the keys leads to the place, which itself may be one.
func (p place) below(names ...string) bool {
	return slices.ContainsFunc(p.keys, func(k string) bool { return slices.Contains(names, k) })
}

func (p place) last() string {
	if len(p.keys) == 0 {
		return ""
	}
	return p.keys[len(p.keys)-1]
}

// walk calls f for every key and value of the file.
func walk(n *yaml.Node, keys []string, f func(place)) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			walk(c, keys, f)
		}
	case yaml.MappingNode:
		f(place{keys, n, false})
		for i := 0; i+1 < len(n.Content); i += 2 {
			f(place{keys, n.Content[i], true})
			walk(n.Content[i+1], append(slices.Clip(keys), n.Content[i].Value), f)
		}
	case yaml.SequenceNode:
		f(place{keys, n, false})
		for _, c := range n.Content {
			walk(c, keys, f)
		}
	default:
		f(place{keys, n, false})
	}
}

var (
	// What YAML 1.1 reads as a truth value, and what some readers take for an octal number.
	doubtful = regexp.MustCompile(`^([yY]|[yY]es|YES|[nN]|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|0[0-9]+)$`)
	// What a suggestion of "make drift" leaves to be written.
	unwritten = regexp.MustCompile(`^TODO\b`)
	// What our generator, our overlay, our client template and our tests know.
	extensions = strings.Fields(`x-answer x-assumed x-deprecated-reason x-effect x-enum-varnames x-go-name x-go-type x-go-type-import
		x-go-type-skip-optional-pointer x-omitempty x-omitzero x-refuse-empty x-unproved`)
)

func textRules(copied *Phrases) []rule {
	return []rule{
		{"yes, no, on, off and numbers with leading zeros are quoted", func(s *spec, report func(where, found string)) {
			walk(s.root, nil, func(p place) {
				if p.node.Kind == yaml.ScalarNode && p.node.Style == 0 && doubtful.MatchString(p.node.Value) {
					report(p.String(), p.node.Value)
				}
			})
		}},
		{"extensions are known ones", func(s *spec, report func(where, found string)) {
			walk(s.root, nil, func(p place) {
				foreign := p.below("example", "examples") || slices.Contains([]string{"properties", "headers", "content"}, p.last())
				if p.key && !foreign && strings.HasPrefix(p.node.Value, "x-") && !slices.Contains(extensions, p.node.Value) {
					report(p.String(), p.node.Value)
				}
			})
		}},
		{"nothing is left to be written", func(s *spec, report func(where, found string)) {
			walk(s.root, nil, func(p place) {
				if p.node.Kind == yaml.ScalarNode && unwritten.MatchString(p.node.Value) {
					report(p.String(), p.node.Value)
				}
			})
		}},
		{"no sentence is copied", func(s *spec, report func(where, found string)) {
			walk(s.root, nil, func(p place) {
				texts := []string{p.node.HeadComment, p.node.LineComment, p.node.FootComment}
				prose := slices.Contains([]string{"description", "summary", "title"}, p.last())
				if prose && !p.key && p.node.Kind == yaml.ScalarNode && !p.below("example", "examples") {
					texts = append(texts, p.node.Value)
				}
				for _, text := range texts {
					for _, run := range copied.Find(text) {
						report(p.String(), run)
					}
				}
			})
		}},
	}
}
