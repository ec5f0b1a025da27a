package pakat_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

func openUnproved(t *testing.T, sb *sandbox.Server, unproved bool, require ...provider.Feature) (*provider.Client, error) {
	t.Helper()
	return pakat.OpenV3(pakat.V3Config{
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("pakatv3"), Require: require},
		APIKey:          provider.NewSecret(sandbox.Key("pakatv3")), Unproved: unproved,
	})
}

// What other programs call at this service, and its document lacks, is called only with
// the setting, and no require is met by it.
func TestV3Unproved(t *testing.T) {
	sb := sandbox.New(t, sandbox.Lenient())
	sb.AddContact("pakatv3", provider.Contact{Email: "sara@example.com", FirstName: "Sara", Memberships: []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}}})
	optIn := pakatv3api.CreateDoubleOptInContactRequest{Email: "mina@example.com", ListIDs: []int64{4}, TemplateID: 12, RedirectionURL: "https://example.com/"}
	for _, row := range []struct {
		name     string
		unproved bool
		level    provider.Level
	}{
		{"without the setting", false, provider.LevelNone},
		{"with the setting", true, provider.LevelLimited},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := openUnproved(t, sb, row.unproved)
			require.NoError(t, err)
			for _, f := range []provider.Feature{feature.ContactsGet, feature.ContactsDelete} {
				cell := c.Capabilities()[f]
				assert.Equal(t, row.level, cell.Level, f)
				assert.Equal(t, "unproved", cell.Basis, f)
				assert.False(t, c.Has(f), f)
				_, err := openUnproved(t, sb, row.unproved, f)
				require.ErrorContains(t, err, "unproved", f)
			}
			before := len(sb.Requests("pakatv3"))
			contact, getErr := c.GetContact(t.Context(), "sara@example.com")
			api, _ := pakat.APIV3(c)
			_, optErr := api.CreateDoubleOptInContact(t.Context(), optIn)
			deleteErr := c.DeleteContact(t.Context(), "sara@example.com")
			if row.unproved {
				require.NoError(t, getErr)
				assert.Equal(t, []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}}, contact.Memberships)
				require.NoError(t, optErr)
				require.NoError(t, deleteErr)
				assert.Empty(t, sb.Contacts("pakatv3"))
				return
			}
			for _, err := range []error{getErr, optErr, deleteErr} {
				require.ErrorIs(t, err, provider.ErrUnsupported)
			}
			assert.Len(t, sb.Requests("pakatv3"), before)
		})
	}
}
