package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var dated = regexp.MustCompile(`^(.+)-(\d{4}-\d{2}(?:-\d{2})?)\.(?:json|ya?ml)$`)

// allOf compares each vendor's files of a folder. The overview says what there is
// of each provider.
func allOf(root, folder string) ([]*Report, string, error) {
	providers, err := filepath.Glob(filepath.Join(root, "api", "*", "openapi.yaml"))
	if err != nil {
		return nil, "", err
	}
	parts, err := partsIn(folder, providers)
	if err != nil {
		return nil, "", err
	}
	var reports []*Report
	var b strings.Builder
	b.WriteString(
		"# Drift of all vendors\n\n| provider | new | old | curated operations touched | breaking changes | not decided |\n|---|---|---|---|---|---|\n",
	)
	for _, spec := range providers {
		provider := filepath.Base(filepath.Dir(spec))
		before, after := parts[provider].files(folder)
		if len(after) == 0 {
			fmt.Fprintf(&b, "| %s | no file | | | | |\n", provider)
			continue
		}
		r, err := drift(root, provider, before, after)
		if err != nil {
			return nil, "", err
		}
		reports = append(reports, r)
		breaking, open := 0, 0
		for _, c := range r.changes {
			if c.Severity == Breaking {
				breaking++
			}
		}
		for _, op := range r.operations {
			if op.undecided() {
				open++
			}
		}
		fmt.Fprintf(
			&b,
			"| %s | %s | %s | %d | %d | %d |\n",
			provider,
			r.new.name,
			r.old.name,
			r.touched(),
			breaking,
			open,
		)
	}
	b.WriteString("\n")
	return reports, b.String(), nil
}

// parts are the files of one provider: of each part of its description, as bulk
// and smtp, the days.
type parts map[string][]string // names of files, the oldest first

func partsIn(folder string, specs []string) (map[string]parts, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	out := map[string]parts{}
	for _, e := range entries { // sorted, hence by day within a part
		kind := filepath.Ext(e.Name())
		if e.IsDir() || kind != ".json" && kind != ".yaml" && kind != ".yml" {
			continue
		}
		m := dated.FindStringSubmatch(e.Name())
		if m == nil {
			return nil, fmt.Errorf(
				"%s: the name is not PROVIDER-YYYY-MM-DD.json, as brevo-2026-11-22.json",
				filepath.Join(folder, e.Name()),
			)
		}
		provider, _, _ := strings.Cut(m[1], "-")
		if !slices.ContainsFunc(
			specs,
			func(spec string) bool { return filepath.Base(filepath.Dir(spec)) == provider },
		) {
			return nil, fmt.Errorf(
				"%s: there is no api/%s/openapi.yaml",
				filepath.Join(folder, e.Name()),
				provider,
			)
		}
		if out[provider] == nil {
			out[provider] = parts{}
		}
		out[provider][m[1]] = append(out[provider][m[1]], e.Name())
	}
	return out, nil
}

// files are the newest of each part, and those before them. A part without an
// older one has all compared with the curated spec.
func (p parts) files(folder string) (before, after []string) {
	var names []string
	for name := range p {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		days := p[name]
		after = append(after, filepath.Join(folder, days[len(days)-1]))
		if len(days) > 1 {
			before = append(before, filepath.Join(folder, days[len(days)-2]))
		}
	}
	if len(before) < len(after) {
		before = nil
	}
	return before, after
}
