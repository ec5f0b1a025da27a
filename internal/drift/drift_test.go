package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden reports")

// command runs the program, on the real project unless -root says otherwise.
func command(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

// The reports are about a project of their own, so that a change of the real specs
// and adapters leaves them alone. After a change of the texts: go test . -update
func TestReport(t *testing.T) {
	for _, tt := range []struct{ name, old, new string }{
		{"openapi", "old.yaml", "new.yaml"},
		{"swagger", "old.swagger.json", "new.swagger.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"-root", "testdata/project", "-provider", "brevo", "-old", "testdata/" + tt.old, "testdata/" + tt.new}
			code, got, stderr := command(args...)
			assert.Equal(t, exitTouched, code, stderr)
			golden := filepath.Join("testdata", tt.name+".golden.md")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
			_, again, _ := command(args...)
			assert.Equal(t, got, again, "the order must be stable")
		})
	}
}

// Every curated spec can be read and does not differ from itself; this also
// shows that an OpenAPI 3.1 file of real size goes through.
func TestNothingChanged(t *testing.T) {
	specs, err := filepath.Glob("../../api/*/openapi.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, specs)
	for _, spec := range specs {
		code, out, stderr := command("-provider", filepath.Base(filepath.Dir(spec)), spec)
		assert.Equal(t, exitUntouched, code, stderr)
		assert.Contains(t, out, "No operation differs.", spec)
		assert.NotContains(t, out, "left out", spec)
	}
}

// A new operation touches nothing that is curated.
func TestOnlyNew(t *testing.T) {
	path := "  /pigeons:\n    get:\n      responses: {'200': {description: fine}}\n"
	old := "openapi: 3.1\ninfo: {title: t, version: '1'}\npaths:\n  /feeds:\n    get:\n      responses: {'200': {description: fine}}\n"
	code, out, stderr := command("-provider", "brevo", "-old", write(t, "old.yaml", old), write(t, "new.yaml", old+path))
	assert.Equal(t, exitUntouched, code, stderr)
	assert.Contains(t, out, "    GET\t/pigeons\tignored\tthe reason\tYYYY-MM\n")
	assert.Contains(t, out, "No adapter calls what differs.\n")
	assert.NotContains(t, out, "feeds")
}

// What happens to many operations alike is told once, with the name of each.
func TestTogether(t *testing.T) {
	item := ": {get: {parameters: [{$ref: '#/components/parameters/Sort'}], responses: {'200': {description: d}}}}\n"
	spec := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n"
	for _, path := range []string{"/contacts", "/contacts/lists", "/feeds", "/senders", "/webhooks/{id}"} {
		spec += "  " + path + item
	}
	spec += "components: {parameters: {Sort: {name: sort, in: query, schema: {type: string, enum: [asc, desc]}}}}\n"
	spec = strings.Replace(spec, "/webhooks/{id}: {", "/webhooks/{id}: {parameters: [{name: id, in: path, required: true, schema: {type: string}}], ", 1)
	code, out, stderr := command("-provider", "brevo", "-old", write(t, "old.yaml", spec), write(t, "new.yaml", strings.Replace(spec, ", desc", "", 1)))
	assert.Equal(t, exitTouched, code, stderr)
	assert.Contains(t, out, "- breaking: removed the enum value `desc` from the `query` request parameter `sort`\n  (5: ")
	assert.Equal(t, 2, strings.Count(out, "`desc`"), "once on the first page, once in the details: %s", out)
}

// A file of another API would come out as "nothing of ours is touched".
func TestAnotherAPI(t *testing.T) {
	spec := "../../api/sendpulse/openapi.yaml"
	for _, args := range [][]string{{spec, spec}, {"../../api/brevo/openapi.yaml", spec}, {spec, "../../api/brevo/openapi.yaml"}} {
		code, out, stderr := command(append([]string{"-provider", "brevo", "-old"}, args...)...)
		assert.Equal(t, exitError, code)
		assert.Empty(t, out)
		assert.Contains(t, stderr, "api/sendpulse/openapi.yaml: has 78 operations, of which api/brevo/openapi.yaml has ")
	}
}

func TestKeyMoves(t *testing.T) {
	spec := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {/feeds: {get: {responses: {'200': {description: d}}}}}\n" +
		"components: {securitySchemes: {key: {type: apiKey, in: header, name: api-key}}}\n"
	_, out, stderr := command("-provider", "brevo", "-old", write(t, "old.yaml", spec), write(t, "new.yaml", strings.Replace(spec, "in: header", "in: query", 1)))
	assert.Contains(t, out, "Where the key goes differs: api-key (header) in the old file, api-key (query) in the new one.", stderr)
}

// What is refused is named in one line, whichever file it is.
func TestRefusedFiles(t *testing.T) {
	for name, tt := range map[string]struct{ content, want string }{
		"empty":     {" \n", "is empty"},
		"HTML page": {"<!DOCTYPE html><html><body>Sign in</body></html>", "is an HTML page"},
		"no YAML":   {"openapi: [3.0\npaths", "is neither JSON nor YAML"},
		"no paths":  {"openapi: 3.0.3\npaths: {}", "without a single operation"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, "vendor.yaml", tt.content)
			for _, args := range [][]string{{file, "testdata/new.yaml"}, {"testdata/old.yaml", file}} {
				code, out, stderr := command(append([]string{"-provider", "brevo", "-old"}, args...)...)
				assert.Equal(t, exitError, code)
				assert.Empty(t, out)
				assert.Contains(t, stderr, "vendor.yaml: ", "the file is named")
				assert.Contains(t, stderr, tt.want)
				assert.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
			}
		})
	}
}

// A broken file is compared, and what was repaired stands before everything else.
func TestRepaired(t *testing.T) {
	spec := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  feeds:\n    get:\n      responses: {'200': {$ref: '#/definitions/Gone'}}\n  /stub: []\n"
	file := write(t, "new.yaml", spec)
	code, out, stderr := command("-provider", "brevo", "-old", file, file)
	assert.Equal(t, exitUntouched, code, stderr)
	before, _, found := strings.Cut(out, "No operation differs.")
	assert.True(t, found, out)
	for _, want := range []string{"paths without a slash at the beginning", "references that lead nowhere", "paths without an operation"} {
		assert.Contains(t, before, want)
	}
}

func TestUsage(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no provider":      {[]string{"a", "b"}, exitUsage, "usage: drift"},
		"no file":          {[]string{"-provider", "brevo", "-old", "a"}, exitUsage, "usage: drift"},
		"all and one":      {[]string{"-provider", "brevo", "-all", "a", "b"}, exitUsage, "usage: drift"},
		"all and a file":   {[]string{"-all", "a", "b"}, exitUsage, "usage: drift"},
		"all, suggestions": {[]string{"-all", "a", "-suggest", "b"}, exitUsage, "usage: drift"},
		"unknown flag":     {[]string{"-x"}, exitUsage, "usage: drift"},
		"unknown provider": {[]string{"-provider", "swans", "a", "b"}, exitError, `no curated spec of "swans"`},
		"missing folder":   {[]string{"-all", "gone"}, exitError, "gone: no such file"},
		"missing file":     {[]string{"-provider", "brevo", "gone.yaml", "gone2.yaml"}, exitError, "gone.yaml: no such file"},
		"folder":           {[]string{"-provider", "brevo", "testdata", "testdata"}, exitError, "testdata: cannot be read"},
		"help":             {[]string{"-h"}, exitUntouched, "usage: drift"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, stderr := command(tt.args...)
			assert.Equal(t, tt.code, code)
			assert.Empty(t, out)
			assert.Contains(t, stderr, tt.want)
		})
	}
}

// Paths meet wherever the version stands, and whatever the parameters are called.
func TestFold(t *testing.T) {
	for _, tt := range []struct{ server, path, base, want string }{
		{"https://api.brevo.com/v3", "/contacts", "/v3", "/contacts"},
		{"https://api.brevo.com/v3/", "/contacts", "/v3", "/contacts"},
		{"https://api.brevo.com", "/v3/contacts", "/v3", "/contacts"},
		{"https://api.brevo.com", "/contacts", "/v3", "/contacts"},
		{"/v3", "/contacts", "/v3", "/contacts"},
		{"https://api.brevo.com/v4", "/contacts", "/v3", "/v4/contacts"},
		{"https://api.brevo.com", "/v33/contacts", "/v3", "/v33/contacts"},
		{"https://app.sms.by/api/v2", "/sendEmail", "", "/api/v2/sendEmail"},
	} {
		f := vendorFile{doc: &openapi3.T{Servers: openapi3.Servers{{URL: tt.server}}, Paths: openapi3.NewPaths(openapi3.WithPath(tt.path, &openapi3.PathItem{}))}}
		f.fold(tt.base)
		assert.NotNil(t, f.doc.Paths.Value(tt.want), "%+v gives %v", tt, f.doc.Paths.InMatchingOrder())
	}
	assert.Equal(t, key("GET", "/lists/{id}/contacts/"), key("GET", "/lists/{listId}/contacts"))
	assert.NotEqual(t, key("GET", "/lists/{id}"), key("PUT", "/lists/{id}"))
}

// Two items that differ in a parameter's name become one, and only the method
// that both have is left out.
func TestFoldTwins(t *testing.T) {
	spec := `openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  /mails/{id}:
    get: {parameters: [{name: id, in: path, required: true, schema: {type: string}}], responses: {'200': {description: d}}}
  /mails/{key}:
    parameters: [{name: key, in: path, required: true, schema: {type: string}}]
    get: {responses: {'200': {description: d}}}
    delete: {responses: {'204': {description: d}}}
`
	f, err := readVendorFile(write(t, "twins.yaml", spec), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"GET /mails/{key} beside /mails/{id}"}, f.folded)
	require.NotNil(t, f.doc.Paths.Value("/mails/{id}").Delete)
	assert.Equal(t, "id", f.doc.Paths.Value("/mails/{id}").Delete.Parameters[0].Value.Name)
}

// The rules are found by the beginning of oasdiff's ids: each must still fit one.
func TestRulesFitOasdiff(t *testing.T) {
	ids := checker.GetAllRuleIds()
	prefixes := append([]string{"endpoint-added"}, skipped...)
	for _, rule := range ours {
		prefixes = append(prefixes, rule.prefix)
	}
	for _, prefix := range prefixes {
		fits := false
		for _, id := range ids {
			fits = fits || strings.HasPrefix(id, prefix)
		}
		assert.True(t, fits, "no rule of oasdiff begins with %s", prefix)
	}
}

// Calls are found in every adapter, and Pakat's two drivers are told apart.
func TestUsers(t *testing.T) {
	for provider, want := range map[string][2]string{
		"brevo":        {"sendEmail", "brevo/"},
		"brevotracker": {"identify", ""}, // open to programs; the adapter itself calls nothing
		"pakatv3":      {"sendEmail", "pakat/v3_"},
		"pakat":        {"sendTransactionalEmail", "pakat/"},
		"sendpulse":    {"sendEmail", "sendpulse/"},
		"smsby":        {"sendEmail", "smsby/"},
	} {
		p, err := openProject("../..", provider)
		require.NoError(t, err)
		users := p.usedBy(want[0])
		assert.Equal(t, want[1] == "", len(users) == 0, "%s: %v; is the adapter's field with the generated client called api?", provider, users)
		for _, file := range users {
			assert.True(t, strings.HasPrefix(file, want[1]), file)
			assert.Equal(t, provider == "pakatv3", strings.HasPrefix(file, "pakat/v3_"), file)
		}
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func emptyDoc() *openapi3.T { return &openapi3.T{Paths: openapi3.NewPaths()} }
