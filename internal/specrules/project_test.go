package specrules

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proseOf are the texts of a file: of Go the groups of comments and the string
// literals, of Markdown all but code.
func proseOf(name string, data []byte) []string {
	if strings.HasSuffix(name, ".md") {
		var text strings.Builder
		code := false
		for line := range strings.Lines(string(data)) {
			fence := strings.HasPrefix(strings.TrimSpace(line), "```")
			if fence {
				code = !code
			}
			if !code && !fence {
				text.WriteString(line)
			}
		}
		return []string{text.String()}
	}
	var out []string
	var s scanner.Scanner
	set := token.NewFileSet()
	s.Init(set.AddFile(name, -1, len(data)), data, nil, scanner.ScanComments)
	comment := ""
	for {
		switch _, tok, lit := s.Scan(); tok {
		case token.COMMENT:
			comment += strings.TrimLeft(lit, "/*") + "\n"
		case token.STRING:
			if text, err := strconv.Unquote(lit); err == nil {
				out = append(out, text)
			}
		case token.EOF:
			return append(out, comment)
		default:
			out, comment = append(out, comment), ""
		}
	}
}

// TestNoCopiedText looks for sentences of the vendors in what else was written
// by hand: Go files and Markdown. Those in the specs are a rule.
func TestNoCopiedText(t *testing.T) {
	copied, files := VendorPhrases(), 0
	require.NotZero(t, copied.Len())
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir(), strings.HasSuffix(path, ".gen.go"), !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".md"):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, text := range proseOf(path, data) {
			for _, found := range copied.Find(text) {
				t.Errorf("%s\n\tcopied: %s", path, found)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, files, 100)
}

func TestProseOf(t *testing.T) {
	p := NewPhrases(sentence)
	for name, text := range map[string]string{
		"a.md": "# A\n\n* When you want to change\n  the name that a thing has and **only then**, call it.\n",
		"a.go": "package a\n\n// When you want to change the name that\n// a thing has and only then, call it.\nvar x int\n",
		"b.go": "package a\n\nvar x = \"when you want to change the name that a thing has and only then\"\n",
		"c.go": "package a\n\nfunc f() {\n\t/* When you want to change the name\n\tthat a thing has and only then, call it. */\n}\n",
	} {
		found := 0
		for _, part := range proseOf(name, []byte(text)) {
			found += len(p.Find(part))
		}
		assert.Equal(t, 1, found, name)
	}
	assert.Empty(t, p.Find(proseOf("a.md", []byte("```\n"+sentence+"\n```\n"))[0]), "code of others is quoted as code")
}
