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
// named is the newest description that has it, where the list says.
type operationRow struct{ method, path, state, reason, named string }

// readRows reads a list of operations: method, path, curated or ignored, reason,
// and in some lists the description.
func readRows(text string) (rows []operationRow, problems []string) {
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) < 3 || len(f) > 5 {
			problems = append(problems, fmt.Sprintf("line %d has %d columns", i+1, len(f)))
			continue
		}
		f = append(f, "", "")
		rows = append(rows, operationRow{f[0], f[1], f[2], f[3], f[4]})
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

// checkNamed compares the descriptions that a list names with the table of them
// in SOURCES.md.
func checkNamed(list, sources string) (problems []string) {
	rows, _ := readRows(list)
	count := map[string]map[string]int{}
	for _, row := range rows {
		if count[row.named] == nil {
			count[row.named] = map[string]int{}
		}
		count[row.named][row.state]++
		if row.named != "" && row.named != "document" && !regexp.MustCompile(`^20\d\d-(0[1-9]|1[0-2])$`).MatchString(row.named) {
			problems = append(problems, row.method+" "+row.path+" is named in "+row.named+", which is no month")
		}
	}
	if len(count) == 1 && count[""] != nil {
		return problems
	}
	for named, n := range count {
		if line := fmt.Sprintf("| %s | %d | %d |", named, n["curated"], n["ignored"]); !strings.Contains(sources, line+"\n") {
			problems = append(problems, "SOURCES.md lacks the line "+line)
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
			sources, err := os.ReadFile(name + "/SOURCES.md")
			require.NoError(t, err)
			assert.Empty(t, checkNamed(string(list), string(sources)))
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

func TestNamedFindsMistakes(t *testing.T) {
	const list = "GET\t/a\tcurated\t\t2026-02\nGET\t/b\tcurated\t\t2026-02\nGET\t/c\tignored\tno part of mail\t2025-02\n"
	const sources = "| named last in | curated | ignored |\n| 2026-02 | 2 | 0 |\n| 2025-02 | 0 | 1 |\n"
	require.Empty(t, checkNamed(list, sources))
	require.Empty(t, checkNamed("GET\t/a\tcurated\n", ""))
	assert.Equal(t, []string{"SOURCES.md lacks the line | 2026-02 | 2 | 0 |"}, checkNamed(list, strings.Replace(sources, "2 | 0", "3 | 0", 1)))
	assert.Contains(t, checkNamed(strings.Replace(list, "2026-02", "lately", 1), sources), "GET /a is named in lately, which is no month")
	assert.Contains(t, checkNamed(strings.Replace(list, "\t\t2026-02", "", 1), sources), "SOURCES.md lacks the line |  | 1 | 0 |")
}
