// Package release_test holds CHANGELOG.md to the form that the scripts of this folder
// read, and that of Keep a Changelog.
package release_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const columns = 100

// parts are the headings of a version, in their order.
var parts = []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Generated clients"}

var version = regexp.MustCompile(`^## \[(Unreleased|\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)\](?: - (unreleased|\d{4}-\d\d-\d\d))?$`)

func TestChangelog(t *testing.T) {
	data, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	text := string(data)
	var versions []string
	last := -1 // of parts
	for i, line := range strings.Split(text, "\n") {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), columns, "line %d is too wide", i+1)
		switch {
		case strings.HasPrefix(line, "## "):
			m := version.FindStringSubmatch(line)
			if !assert.NotNil(t, m, "line %d: expected ## [0.1.0] - 2026-01-31, ## [0.1.0] - unreleased or ## [Unreleased]", i+1) {
				continue
			}
			assert.Equal(t, m[1] == "Unreleased", m[2] == "", "line %d: a version has a day", i+1)
			assert.Contains(t, text, "\n["+m[1]+"]: https://", "line %d: the link of the version is missing at the end", i+1)
			versions, last = append(versions, m[1]), -1
		case strings.HasPrefix(line, "### "):
			at := slices.Index(parts, line[len("### "):])
			assert.Greater(t, at, last, "line %d: expected the headings %q, each once and in this order", i+1, parts)
			last = at
		case strings.HasPrefix(line, "* "):
			assert.GreaterOrEqual(t, last, 0, "line %d: an entry without a heading", i+1)
		}
	}
	require.NotEmpty(t, versions)
	assert.Equal(t, "Unreleased", versions[0], "new entries have a place")
}
