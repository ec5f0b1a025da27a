package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider/all"
)

const (
	settingsFrom = "<!-- settings: written by make configuration -->\n"
	settingsTo   = "<!-- /settings -->"
)

// The tables of docs/configuration.md are those of the structs.
func TestSettingsInDocs(t *testing.T) {
	const file = "../../docs/configuration.md"
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(page), settingsFrom)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, settingsTo)
	require.True(t, ok)
	want := before + settingsFrom + "\n" + (&app{registry: all.Registry()}).settingsMarkdown() + "\n" + settingsTo + after
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		return
	}
	assert.True(t, want == string(page), "the tables are not those of the structs of settings; write them anew: make configuration")
}

// Every setting of every driver says what it means.
func TestSettings(t *testing.T) {
	for _, d := range all.Registry() {
		for _, s := range append(ownSettings(d), commonSettings()...) {
			assert.NotEmpty(t, s.Doc, "%s.%s", d.Name(), s.Name)
			assert.NotEmpty(t, s.Kind, "%s.%s", d.Name(), s.Name)
		}
	}
}
