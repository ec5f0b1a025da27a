package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/postmux/postmux/internal/drift/reader"
)

// The first page has at most 60 lines, and none is endless, however much there
// is: between two files of a vendor, and between the curated spec and one file.
func TestFirstPage(t *testing.T) {
	var rules []leftOut
	for _, rule := range ruled {
		rules = append(rules, leftOut{rule.why, 1})
	}
	for name, tt := range map[string]struct {
		repairsOfOld int
		left         []leftOut
	}{
		"two files":        {30, []leftOut{{"SOURCES.md", 1}, {"the curated spec", 1}}},
		"the curated spec": {0, append(rules, leftOut{"SOURCES.md", 1}, leftOut{"operations.tsv", 1})},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{project: &project{provider: "brevo"}, old: &vendorFile{name: "old", doc: emptyDoc()}, new: &vendorFile{name: "new", doc: emptyDoc()}, left: tt.left}
			for i := range 30 {
				repair := reader.Repair{Kind: reader.Kind(fmt.Sprint("kind ", i)), Place: "here"}
				r.new.repairs = append(r.new.repairs, repair)
				if i < tt.repairsOfOld {
					r.old.repairs = append(r.old.repairs, repair)
				}
			}
			for i := range 100 {
				op := &operation{method: "GET", path: fmt.Sprint("/", i), curated: &curated{id: fmt.Sprint("get", i)}, users: []string{fmt.Sprintf("brevo/%d.go", i), "brevo/all.go"}}
				op.findings = []finding{{Severity: Breaking, text: strings.Repeat(fmt.Sprint(i, " text "), 100)}}
				r.operations = append(r.operations, op)
			}
			r.once()
			var b strings.Builder
			r.page(&b)
			lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
			assert.LessOrEqual(t, len(lines), firstPage, b.String())
			for _, line := range lines {
				assert.LessOrEqual(t, len([]rune(line)), lineWidth+20, line)
			}
			assert.Contains(t, b.String(), "- and 26 more kinds\n")
			assert.Contains(t, b.String(), "- and 94 more files\n")
		})
	}
}

func TestMerged(t *testing.T) {
	of := func(texts ...string) (out []finding) {
		for _, text := range texts {
			out = append(out, finding{text: text})
		}
		return out
	}
	for name, tt := range map[string]struct{ in, want []finding }{
		"values": {
			of("removed the enum value `b` of the request property `p`", "x", "removed the enum value `a` of the request property `p`", "removed the enum value `a` of the request property `q`"),
			of("removed the enum value `a`, `b` of the request property `p`", "x", "removed the enum value `a` of the request property `q`"),
		},
		"values first": {
			of("added the new `b` enum value to the `p` response property for the response status `200`", "added the new `a` enum value to the `p` response property for the response status `200`"),
			of("added the new `a`, `b` enum value to the `p` response property for the response status `200`"),
		},
		"statuses": {
			of("the response property `p` became optional for the status `201`", "the response property `p` became optional for the status `200`"),
			of("the response property `p` became optional for the status `200`, `201`"),
		},
		"media types": {of("gone (media type: b/b)", "gone (media type: a/a)"), of("gone (media type: a/a, b/b)")},
		"two things that differ": {
			of("removed the `a` enum value from the `p` response property for the response status `200`", "removed the `b` enum value from the `p` response property for the response status `200`",
				"removed the `a` enum value from the `p` response property for the response status `201`", "removed the `b` enum value from the `p` response property for the response status `201`"),
			of("removed the `a`, `b` enum value from the `p` response property for the response status `200`, `201`"),
		},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, merged(tt.in)) })
	}
}

func TestPlaceOf(t *testing.T) {
	for _, tt := range []struct{ rule, text, want string }{
		{"request-property-became-required", "the request property `to/items/email` became required", "request to[].email"},
		{"request-property-type-changed", "the `emails/items` request property `format` changed from `none` to `email`", "request emails[]"},
		{"request-property-enum-value-removed", "removed the enum value `high` of the request property `priority`", "request priority"},
		{"request-parameter-type-changed", "for the `path` request parameter `identifier`, the `type` was changed from `string` to `integer`", "path identifier"},
		{"response-property-type-changed", "the `plan/items/endDate` response's property `format` changed from `date` to `none` for status `200`", "response plan[].endDate"},
		{"response-property-enum-value-added", "added the new `dynamic` enum value to the `kind` response property for the response status `200`", "response kind"},
		{"response-optional-property-removed", "removed the optional property `links/additionalProperties/n` from the response with the `200` status", "response links.*.n"},
		{"response-optional-property-removed", "removed the optional property `items/id` from the response with the `200` status", "response [].id"},
		{"response-property-became-optional", "the response property `code` became optional for the status `404`", "error code"},
		{"response-non-success-status-added", "added the non-success response with the status `429`", "error"},
		{"request-body-became-optional", "request body became optional", "request"},
	} {
		assert.Equal(t, tt.want, placeOf(tt.rule, tt.text).String(), tt.text)
	}
}

func TestOfTypes(t *testing.T) {
	for _, tt := range []struct {
		text             string
		request, respond Severity
	}{
		{"`type` changed from `string` to `integer`", Breaking, Breaking},
		{"`type` changed from `integer` to `integer, string`", Harmless, Look},
		{"`type` changed from `integer, string` to `string`", Look, Harmless},
		{"`type/format` was widened from `integer/int64` to `number`", Harmless, Look},
		{"`format` changed from `none` to `email`", Look, Harmless},
		{"`type` changed from `string` to `any`", Harmless, Look},
	} {
		got, ok := ofTypes("request-property-type-changed", tt.text)
		assert.True(t, ok)
		assert.Equal(t, tt.request, got, "request: %s", tt.text)
		got, _ = ofTypes("response-property-type-changed", tt.text)
		assert.Equal(t, tt.respond, got, "response: %s", tt.text)
	}
	_, ok := ofTypes("request-property-became-required", "the request property `type` became required")
	assert.False(t, ok)
}

func TestCorrections(t *testing.T) {
	got, err := readCorrections("| a | b | c | `getList, *: response lists[].id, query sort; sendEmail: request` |\n| a | b | c |\n| x | y | z | w |\n")
	require.NoError(t, err)
	assert.Equal(t, corrections{"getList": {"response lists[].id", "query sort"}, "*": {"response lists[].id", "query sort"}, "sendEmail": {"request"}}, got)
	p := &project{corrections: got}
	for _, tt := range []struct {
		id   string
		at   place
		want bool
	}{
		{"getList", place{side: "response", field: "lists[].id"}, true},
		{"getList", place{side: "response", field: "lists[].id.more"}, true},
		{"getList", place{side: "response", field: "lists[].ids"}, false},
		{"getList", place{side: "response", field: "lists[]"}, false},
		{"getList", place{side: "request", field: "lists[].id"}, false},
		{"deleteList", place{side: "query", field: "sort"}, true},
		{"sendEmail", place{side: "request", field: "to[].email"}, true},
		{"sendEmail", place{side: "request"}, true},
	} {
		assert.Equal(t, tt.want, p.explains(tt.id, tt.at), "%+v", tt)
	}
	for text, want := range map[string]string{
		"| a | b | c | `getList` |":           "line 1: \"getList\" is not operationId: place",
		"\n| a | b | c | `getList: body x` |": "line 2: \"body x\" begins with none of request",
	} {
		_, err := readCorrections(text)
		assert.ErrorContains(t, err, want)
	}
}

// What the curated spec has already is no news.
func TestSettled(t *testing.T) {
	f := newFilter(&project{})
	at := func(rule, side, field string) difference {
		return difference{"GET", "/a", finding{rule: rule, place: place{side: side, field: field}}}
	}
	f.settled([]difference{at("response-property-added", "response", "a"), at("request-body-became-optional", "request", "")})
	op := &operation{curated: &curated{id: "getA"}}
	for want, d := range map[string]difference{
		"":                                 at("response-property-added", "response", "a.b"),
		"the curated spec has it already":  at("response-property-added", "response", "b"),
		"the curated spec has it already ": at("new-optional-request-property", "request", "b"),
	} {
		assert.Equal(t, strings.TrimSpace(want), f.why(op, d), "%+v", d)
	}
	assert.Empty(t, f.why(op, at("api-removed-without-deprecation", "request", "b")))
	assert.Empty(t, f.why(&operation{}, at("response-property-added", "response", "b")), "not curated")
}

func TestJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "drift.json")
	code, _, stderr := command("-root", "testdata/project", "-provider", "brevo", "-old", "testdata/old.yaml", "-json", file, "testdata/new.yaml")
	require.Equal(t, exitTouched, code, stderr)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var got []struct {
		Provider string
		Changes  []struct {
			Severity, Rule, Text, Field string
			Operations                  []struct {
				Method, Path, State string
				ID                  string `json:"operation_id"`
				Adapters            []string
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &got))
	require.Len(t, got, 1)
	assert.Equal(t, "brevo", got[0].Provider)
	require.Len(t, got[0].Changes, 17)
	first := got[0].Changes[0]
	assert.Equal(t, "breaking", first.Severity)
	assert.Equal(t, "request purpose", first.Field)
	assert.Equal(t, "sendEmail", first.Operations[0].ID)
	assert.Equal(t, "curated", first.Operations[0].State)
	assert.Equal(t, []string{"brevo/mailer.go"}, first.Operations[0].Adapters)
}

// A folder has the files of several vendors, some in parts.
func TestAll(t *testing.T) {
	folder := t.TempDir()
	spec := func(path string) string {
		return "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {" + path + ": {get: {responses: {'200': {description: d}}}}}\n"
	}
	for name, content := range map[string]string{
		"brevo-2026-01-01.yaml": spec("/feeds"), "brevo-2026-02-01.yaml": spec("/pigeons"), "brevo-2025-12-31.yaml": spec("/gone"), "notes.txt": "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	args := []string{"-root", "testdata/project", "-all", folder}
	code, out, stderr := command(args...)
	assert.Equal(t, exitError, code, "the newest file has no operation of ours: %s%s", out, stderr)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "brevo-2026-02-01.yaml"), []byte(spec("/feeds: {get: {responses: {'200': {description: d}}}}, /pigeons")), 0o600))
	code, out, stderr = command(args...)
	assert.Equal(t, exitUntouched, code, stderr)
	assert.Contains(t, out, "| brevo | brevo-2026-02-01.yaml | brevo-2026-01-01.yaml | 0 | 0 | 1 |\n")

	require.NoError(t, os.WriteFile(filepath.Join(folder, "brevo-extra-2026-03-01.json"), []byte(spec("/contacts")), 0o600))
	_, out, _ = command(args...)
	assert.Contains(t, out, "| brevo | brevo-2026-02-01.yaml + brevo-extra-2026-03-01.json | api/brevo/openapi.yaml | ")

	for name, want := range map[string]string{"brevo.json": "the name is not PROVIDER-YYYY-MM-DD.json", "swans-2026-01-01.json": "there is no api/swans/openapi.yaml"} {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		code, _, stderr := command(args...)
		assert.Equal(t, exitError, code)
		assert.Contains(t, stderr, want)
		require.NoError(t, os.Remove(file))
	}
}

// A suggestion has the form of our specs, each text left to be written, and
// nothing of the vendor's texts.
func TestSuggest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "suggested.yaml")
	code, _, stderr := command("-root", "testdata/project", "-provider", "brevo", "-suggest", file, "testdata/suggest.yaml")
	require.Equal(t, exitTouched, code, stderr)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	golden := "testdata/suggest.golden.yaml"
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
	assert.NotContains(t, string(got), "vendor's words")

	var top map[string]any
	require.NoError(t, yaml.Unmarshal(got, &top))
	texts := 0
	everyText(top, func(key, text string) {
		switch key {
		case "summary", "description", "x-effect", "example":
			texts++
			assert.True(t, strings.HasPrefix(text, "TODO"), "%s: %s", key, text)
		}
	})
	assert.Greater(t, texts, 20)
}

func everyText(v any, f func(key, text string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			if text, ok := below.(string); ok {
				f(k, text)
			}
			everyText(below, f)
		}
	case []any:
		for _, below := range v {
			everyText(below, f)
		}
	}
}

func TestOperationID(t *testing.T) {
	s := &suggester{ids: map[string]bool{"listcontacts": true, "getcontact": true}}
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/contacts", "TODO"},
		{"GET", "/crm/contacts", "listCrmContacts"},
		{"GET", "/contacts/consent-groups", "listConsentGroups"},
		{"POST", "/contacts/consent-groups", "createConsentGroup"},
		{"DELETE", "/contacts/consent-groups/{id}", "deleteConsentGroup"},
		{"PATCH", "/categories/{id}", "updateCategory"},
		{"PUT", "/lists/{id}/category/{name}", "updateListCategory"},
	} {
		assert.Equal(t, tt.want, s.operationID(tt.method, tt.path), "%s %s", tt.method, tt.path)
	}
}

// An operation that the list names in another description is not told as gone,
// when the curated spec is compared with the one that most are named in.
func TestNamed(t *testing.T) {
	p := &project{listed: map[string]listed{"a": {named: "2026-02"}, "b": {named: "2026-02"}, "c": {named: "2025-02"}}}
	assert.Equal(t, "2026-02", p.described())
	f := newFilter(p)
	f.byRules()
	gone := difference{"GET", "/a", finding{rule: "api-removed-without-deprecation"}}
	for named, want := range map[string]string{"2026-02": "", "2025-02": "operations.tsv: in another description than that of 2026-02"} {
		assert.Equal(t, want, f.why(&operation{curated: &curated{id: "a"}, listed: &listed{named: named}}, gone))
	}
	f.rules = false
	assert.Empty(t, f.why(&operation{curated: &curated{id: "a"}, listed: &listed{named: "2025-02"}}, gone), "between two files of the vendor")

	r := &Report{project: p, new: &vendorFile{name: "brevo-2027-02-01.json"}}
	assert.Equal(t, "GET\t/a\tcurated\t\t2027-02", r.row("GET", "/a", "curated"))
	assert.Equal(t, "GET\t/a\tignored\tthe reason\t2027-02", r.row("GET", "/a", "ignored\tthe reason"))
	r.new.name = "new.json"
	assert.Equal(t, "GET\t/a\tcurated\t\tYYYY-MM", r.row("GET", "/a", "curated"))
	r.project = &project{listed: map[string]listed{"a": {}}}
	assert.Equal(t, "GET\t/a\tcurated", r.row("GET", "/a", "curated"))
}
