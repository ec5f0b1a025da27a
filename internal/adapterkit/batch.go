package adapterkit

import (
	"crypto/sha256"
	"encoding/json"
	"slices"

	"github.com/postmux/postmux/provider"
)

// BatchKey returns the key under which messages share a call. The caller removes
// from rest what each message of a call says for itself; all that is left must be
// equal. So a field that the adapter does not know keeps messages apart, and never
// gives one recipient what was meant for another. ok is false for a message that
// cannot be written as JSON; it must have a call of its own.
func BatchKey(rest provider.Message) (key string, ok bool) {
	rest.Attachments = slices.Clone(rest.Attachments)
	for i, a := range rest.Attachments {
		if len(a.Content) > 0 { // a file may have megabytes, its digest is as good
			digest := sha256.Sum256(a.Content)
			rest.Attachments[i].Content = digest[:]
		}
	}
	data, err := json.Marshal(rest)
	return string(data), err == nil
}

// Presence replaces a text by a mark that says whether there is one: for texts
// that all messages of a call must have, or none.
func Presence(text string) string {
	if text == "" {
		return ""
	}
	return "x"
}
