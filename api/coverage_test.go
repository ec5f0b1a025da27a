package api_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// operationRow is a line of operations.tsv: an operation that the vendor documents.
type operationRow struct{ method, path, state, reason string }

// readRows reads a list of operations: method, path, curated or ignored, reason.
func readRows(text string) (rows []operationRow, problems []string) {
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 && len(f) != 4 {
			problems = append(problems, fmt.Sprintf("line %d has %d columns", i+1, len(f)))
			continue
		}
		f = append(f, "")
		rows = append(rows, operationRow{f[0], f[1], f[2], f[3]})
	}
	return rows, problems
}

// pathShape leaves out what does not tell operations apart: names of parameters, a final slash.
func pathShape(method, path string) string {
	return method + " " + strings.TrimSuffix(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "{}"), "/")
}

// checkCoverage compares a list with the spec's operations, given as "GET /contacts".
func checkCoverage(list string, inSpec []string) []string {
	rows, problems := readRows(list)
	var specShapes []string
	for _, op := range inSpec {
		method, path, _ := strings.Cut(op, " ")
		specShapes = append(specShapes, pathShape(method, path))
	}
	listed := map[string]bool{}
	for _, row := range rows {
		name, shape := row.method+" "+row.path, pathShape(row.method, row.path)
		if listed[shape] {
			problems = append(problems, name+" is listed twice")
		}
		listed[shape] = true
		known := slices.Contains(specShapes, shape)
		switch row.state {
		case "curated":
			if !known {
				problems = append(problems, name+" is listed as curated and not in the spec")
			}
			if row.reason != "" {
				problems = append(problems, name+" is curated and has a reason")
			}
		case "ignored":
			if known {
				problems = append(problems, name+" is listed as ignored and in the spec")
			}
			if len(strings.Fields(row.reason)) < 3 {
				problems = append(problems, name+" is ignored without a reason of some words")
			}
		default:
			problems = append(problems, fmt.Sprintf("%s is neither curated nor ignored but %q", name, row.state))
		}
	}
	for i, shape := range specShapes {
		if !listed[shape] {
			problems = append(problems, inSpec[i]+" is in the spec and not on the list")
		}
	}
	return problems
}

// Every operation that a vendor documents is curated, or ignored for a reason.
func TestCoverage(t *testing.T) {
	for name, doc := range specs(t) {
		t.Run(name, func(t *testing.T) {
			var inSpec []string
			for _, op := range operations(name, doc) {
				inSpec = append(inSpec, op.method+" "+op.path)
			}
			list, err := os.ReadFile(name + "/operations.tsv")
			require.NoError(t, err)
			assert.Empty(t, checkCoverage(string(list), inSpec))
		})
	}
}

// Each rule must be able to fail.
func TestCoverageFindsMistakes(t *testing.T) {
	inSpec := []string{"GET /contacts", "PUT /contacts/{id}"}
	const good = "# comment\nGET\t/contacts\tcurated\nPUT\t/contacts/{identifier}\tcurated\nGET\t/fax\tignored\tno part of mail\n"
	require.Empty(t, checkCoverage(good, inSpec))
	for name, tt := range map[string]struct{ old, new, want string }{
		"a row is missing":     {"GET\t/contacts\tcurated\n", "", "GET /contacts is in the spec and not on the list"},
		"a row too many":       {"/fax\tignored\tno part of mail", "/fax\tcurated", "GET /fax is listed as curated and not in the spec"},
		"ignored and in it":    {"/contacts\tcurated", "/contacts\tignored\twe need it not", "GET /contacts is listed as ignored and in the spec"},
		"no reason":            {"no part of mail", "", "GET /fax is ignored without a reason of some words"},
		"a reason of one word": {"no part of mail", "later", "GET /fax is ignored without a reason of some words"},
		"a needless reason":    {"/contacts\tcurated", "/contacts\tcurated\tit is good", "GET /contacts is curated and has a reason"},
		"another word":         {"/fax\tignored", "/fax\tignore", `GET /fax is neither curated nor ignored but "ignore"`},
		"twice":                {"GET\t/fax", "PUT\t/contacts/{id}\tcurated\nGET\t/fax", "PUT /contacts/{id} is listed twice"},
		"blanks for tabs":      {"GET\t/contacts\tcurated", "GET /contacts curated", "line 2 has 1 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.new, 1)
			require.NotEqual(t, good, bad)
			assert.Contains(t, checkCoverage(bad, inSpec), tt.want)
		})
	}
}
