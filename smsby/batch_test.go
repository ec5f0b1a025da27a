package smsby

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// The same mails as one personal message with recipients, so the same wire.
func TestBatchToAPI(t *testing.T) {
	a, b := plainMessage(), plainMessage()
	a.Subject, a.HTML = "Анна, заказ готов", "<p>Заказ 1027 ждёт вас.</p>"
	a.To[0].Name = "Анна"
	b.To[0].Email = "pavel@example.by"
	form, notes, err := batchToAPI([]*provider.Message{a, b}, inZone(t, "Europe/Minsk"))
	require.NoError(t, err)
	assertForm(t, "bulk_personal.golden", form)
	require.Len(t, notes, 2)
	require.Len(t, notes[0], 1, "the name is lost, and told once")
	assert.Equal(t, "to[0].name", notes[0][0].Field)
	assert.Empty(t, notes[1])

	c := plainMessage()
	form, _, err = batchToAPI([]*provider.Message{plainMessage(), b, c}, inZone(t, "Europe/Minsk"))
	require.NoError(t, err)
	assertForm(t, "bulk_equal.golden", form)
}

func TestOnly(t *testing.T) {
	all := func() *provider.Receipt {
		return &provider.Receipt{
			State: provider.StateBounced,
			Recipients: []provider.RecipientResult{
				{Email: "a@example.by", State: provider.StateDelivered}, {Email: "B@example.by", State: provider.StateBounced},
			},
			Notes: []provider.Note{{Field: "recipients[1]", Action: provider.NoteWarning, Why: "no such mailbox"}},
		}
	}
	one := only(all(), "b@example.by")
	require.Len(t, one.Recipients, 1)
	assert.Equal(t, provider.StateBounced, one.State)
	assert.Equal(t, []provider.Note{{Field: "recipients[0]", Action: provider.NoteWarning, Why: "no such mailbox"}}, one.Notes)
	one = only(all(), "a@example.by")
	assert.Equal(t, provider.StateDelivered, one.State)
	assert.Empty(t, one.Notes)
	assert.Nil(t, only(all(), "c@example.by"))
	assert.Len(t, only(all(), "").Recipients, 2)
	assert.Nil(t, only(nil, "a@example.by"))
}
