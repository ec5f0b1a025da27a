package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdapterOf(t *testing.T) {
	file := write(t, "vendors.tsv", "spec\tdriver\tadapter\tfiles\tname\na\ta\ta\t\tA\nb2\tb2\tb\tv2_*.go\tB 2\nb\tb\tb\t\tB\n")
	for _, tt := range []struct {
		name, provider, folder string
		ours, others           []string
	}{
		{name: "a folder of its own", provider: "a", folder: "a", ours: []string{"a.go", "v2_a.go"}},
		{name: "files by a pattern", provider: "b2", folder: "b", ours: []string{"v2_a.go"}, others: []string{"a.go"}},
		{name: "the files of nobody else", provider: "b", folder: "b", ours: []string{"a.go"}, others: []string{"v2_a.go"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder, ours, err := adapterOf(file, tt.provider)
			require.NoError(t, err)
			assert.Equal(t, tt.folder, folder)
			for _, name := range tt.ours {
				assert.True(t, ours(name), name)
			}
			for _, name := range tt.others {
				assert.False(t, ours(name), name)
			}
		})
	}
	_, _, err := adapterOf(file, "c")
	assert.ErrorContains(t, err, "vendors.tsv: has no row for c")
	_, _, err = adapterOf(write(t, "short.tsv", "spec\tdriver\n"), "a")
	assert.ErrorContains(t, err, "short.tsv: line 1 has 2 columns and not 5")
}
