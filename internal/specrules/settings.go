package specrules

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// required are the settings without which the generated clients would be others
// than the adapters are written for. A value that begins with ../ is a file, seen
// from the folder of the generated package.
var required = map[string]string{
	"generate/models":                                                "true",
	"generate/client":                                                "true",
	"compatibility/always-prefix-enum-values":                        "true",
	"output-options/name-normalizer":                                 "ToCamelCaseWithInitialisms",
	"output-options/nullable-type":                                   "true",
	"output-options/prefer-skip-optional-pointer-on-container-types": "true",
	"output-options/skip-enum-validate":                              "true",
	"output-options/overlay/path":                                    "../../api/template/answers.overlay.yaml",
	"output-options/overlay/strict":                                  "false", // a spec may have nothing that an action changes
	"output-options/user-templates/client.tmpl":                      "../../api/template/client.tmpl",
	"output-options/user-templates/client-with-responses.tmpl":       "../../api/template/client-with-responses.tmpl",
	"output-options/user-templates/imports.tmpl":                     "../../api/template/imports.tmpl",
	"output-options/user-templates/param-types.tmpl":                 "../../api/template/param-types.tmpl",
	"output-options/user-templates/request-bodies.tmpl":              "../../api/template/request-bodies.tmpl",
	"output-options/user-templates/typedef.tmpl":                     "../../api/template/typedef.tmpl",
	"output-options/type-mapping/number/default/type":                "float64",
	"output-options/type-mapping/integer/default/type":               "int64",
	"output-options/type-mapping/string/formats/binary/type":         "rest.File",
	"output-options/type-mapping/string/formats/password/type":       "rest.Secret",
	"output-options/type-mapping/string/formats/email/type":          "string",
}

// checkSettings checks the settings of all vendors: what each must have, and that
// they differ in nothing but the name of the package.
func checkSettings(root string, texts map[string][]byte) []Problem {
	var problems []Problem
	all := map[string]map[string]string{}
	for name, data := range texts {
		report := func(where, rule, found string) {
			problems = append(problems, Problem{File: "api/" + name + "/" + settingsFile, Where: where, Rule: rule, Found: found})
		}
		settings, err := flatten(data)
		if err != nil {
			report("", "the file is YAML", err.Error())
			continue
		}
		all[name] = settings
		for key, want := range map[string]string{"package": name + "api", "output": "openapi.gen.go"} {
			if settings[key] != want {
				report(key, "the package is named after the folder", fmt.Sprintf("%q, not %q", settings[key], want))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(required)) {
			if settings[key] != required[key] {
				report(key, "the settings that all clients need", fmt.Sprintf("%q, not %q", settings[key], required[key]))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			if !strings.HasPrefix(settings[key], "../") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, "gen", name+"api", filepath.FromSlash(settings[key]))); err != nil {
				report(key, "the files exist that generation needs", "no "+settings[key])
			}
		}
	}
	return append(problems, differences(all)...)
}

// flatten is every setting by its path; a list is one value.
func flatten(data []byte) (map[string]string, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, err
	}
	out := map[string]string{}
	var down func(path string, v any) error
	down = func(path string, v any) error {
		switch v := v.(type) {
		case map[string]any:
			for key, below := range v {
				if err := down(strings.TrimPrefix(path+"/"+key, "/"), below); err != nil {
					return err
				}
			}
			return nil
		case []any:
			text, err := json.Marshal(v)
			out[path] = string(text)
			return err
		}
		out[path] = fmt.Sprint(v)
		return nil
	}
	return out, down("", tree)
}

// differences are the settings in which a vendor stands against most of the others.
func differences(all map[string]map[string]string) []Problem {
	keys := map[string]bool{}
	for _, settings := range all {
		for key := range settings {
			keys[key] = true
		}
	}
	delete(keys, "package")
	var out []Problem
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if _, known := required[key]; known || key == "output" {
			continue // reported already
		}
		count, most := map[string]int{}, ""
		for _, name := range slices.Sorted(maps.Keys(all)) {
			v := all[name][key]
			count[v]++
			if count[v] > count[most] {
				most = v
			}
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if v := all[name][key]; v != most {
				out = append(out, Problem{
					File: "api/" + name + "/" + settingsFile, Where: key, Rule: "settings are the same for all vendors",
					Found: fmt.Sprintf("%q, where most have %q", v, most),
				})
			}
		}
	}
	return out
}
