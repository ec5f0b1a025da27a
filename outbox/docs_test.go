package outbox_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/sandbox"
)

// The programs of docs/outbox.md run as they stand there; the sandbox stands in for the
// provider.
func TestProgramsOfThePage(t *testing.T) {
	t.Parallel() // it waits
	if testing.Short() {
		t.Skip("it builds programs")
	}
	page, err := os.ReadFile("../docs/outbox.md")
	require.NoError(t, err)
	programs := regexp.MustCompile("(?ms)^```go\n(package main\n.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.Len(t, programs, 2)
	url := os.Getenv("POSTMUX_TEST_DATABASE_URL")
	prefix := fmt.Sprintf("page_%d_", time.Now().UnixNano())
	for i, row := range []struct{ name, database string }{{"SQLite", "file:outbox.db"}, {"PostgreSQL", url}} {
		t.Run(row.name, func(t *testing.T) {
			if row.database == "" {
				t.Skip("POSTMUX_TEST_DATABASE_URL is not set")
			}
			sb := sandbox.New(t)
			dir := t.TempDir()
			config, err := json.Marshal(map[string]any{
				"name": "shop", "providers": map[string]any{"main": map[string]any{
					"provider": "pakatv3", "base_url": sb.BaseURL("pakatv3"), "api_key": sandbox.Key("pakatv3"), "from": "shop@example.com",
				}},
				"outbox": map[string]any{"database": row.database, "prefix": prefix},
			})
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "postmux.json"), config, 0o600))
			source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
			require.NoError(t, os.WriteFile(source, []byte(programs[i][1]), 0o600))
			out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, source).CombinedOutput()
			require.NoError(t, err, "%s", out)
			if row.database == url {
				t.Cleanup(func() { dropTables(t, url, prefix) })
			}
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Dir = dir
			out, err = cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.True(t, strings.HasPrefix(string(out), "accepted "), "%s", out)
			assert.Len(t, sb.Messages("pakatv3"), 1)
		})
	}
}
