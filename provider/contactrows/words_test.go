package contactrows

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// A word stands for one thing.
func TestWords(t *testing.T) {
	for name, lists := range map[string]map[string]string{"headers": headerWords, "standings": standingWords, "yes and no": yesNoWords} {
		seen := make(map[string]string)
		for _, target := range slices.Sorted(maps.Keys(lists)) {
			for word := range strings.SplitSeq(lists[target], "|") {
				require.NotEmpty(t, plain(word), "%s: %s", name, target)
				other, twice := seen[plain(word)]
				assert.False(t, twice && other != target, "%s: %q stands for %s and %s", name, word, other, target)
				seen[plain(word)] = target
			}
		}
	}
	for target := range headerWords {
		assert.True(t, isTarget(target) || target == targetName, target)
	}
	for word, status := range standings {
		s := provider.MembershipStatus(status)
		assert.True(t, s == provider.StatusSubscribed || s == standingNone || s.Terminal(), word)
	}
	for _, p := range programs {
		for _, mark := range p.marks {
			assert.Equal(t, plain(mark), mark, p.name)
		}
	}
}
