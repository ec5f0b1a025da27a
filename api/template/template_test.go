// Package template holds the client template of the generator and its test.
package template

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// The generator calls overriding its templates unstable, so the output for
// every shape that our specs use is pinned. When this fails after a new version
// of the generator, read the difference before updating.
func TestTemplate(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the generator")
	}
	settings, err := os.ReadFile("../brevo/oapi-codegen.yaml")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("..", "shapes-") // the settings' paths are relative to a folder beside this one
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := string(settings)
	for _, r := range [][2]string{{"package: brevoapi", "package: shapesapi"}, {"../../api/template/", "../template/"}} {
		require.Contains(t, config, r[0])
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "run", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen", "-config", "config.yaml", "../template/testdata/shapes.yaml")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	got, err := os.ReadFile(filepath.Join(dir, "openapi.gen.go"))
	require.NoError(t, err)
	golden := filepath.Join("testdata", "shapes.gen.go.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run go test ./api/template -update when the change is wanted")
}
