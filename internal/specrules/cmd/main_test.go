package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	var out, errs strings.Builder
	assert.Zero(t, run([]string{"-root", "../../.."}, &out, &errs), errs.String())
	assert.Empty(t, out.String()+errs.String())

	bad := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(bad, "api", "x"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(bad, "api", "x", "openapi.yaml"), []byte("openapi: 3.1.0\n"), 0o600))
	assert.Equal(t, 1, run([]string{"-root", bad}, &out, &errs))
	assert.Contains(t, errs.String(), "api/x/openapi.yaml\n\trule:  the file is OpenAPI\n")
	assert.Contains(t, errs.String(), "api/x/oapi-codegen.yaml\n\trule:  every vendor has settings of the generator\n")
	assert.Contains(t, errs.String(), "api/vendors.tsv\n\trule:  the list has one row for every vendor\n\tfound: no such file\n")
	assert.Contains(t, errs.String(), "6 broken rules")

	assert.Equal(t, 1, run([]string{"-root", t.TempDir()}, &out, &errs), "no api")
	assert.Equal(t, 1, run([]string{"-root", bad, "-phrases", bad}, &out, &errs), "no documents")
	assert.Equal(t, 2, run([]string{"x"}, &out, &errs))
	assert.Equal(t, 2, run([]string{"-x"}, &out, &errs))
}
