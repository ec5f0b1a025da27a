package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a credential in a response. It prints REDACTED in every format, log and
// encoding; Reveal returns the text.
type Secret struct{ v *string }

// NewSecret returns a Secret that holds v.
func NewSecret(v string) Secret { return Secret{v: &v} }

// Reveal returns the secret text; empty when there is none.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.v == nil || *s.v == "" }

// String returns REDACTED.
func (Secret) String() string { return redacted }

// Format writes REDACTED for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns REDACTED.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns REDACTED; it also serves JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalJSON takes a text, a number or null.
func (s *Secret) UnmarshalJSON(data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("secret: not JSON") // the cause would quote the secret
	}
	switch v := v.(type) {
	case nil:
		s.v = nil
	case string:
		s.v = &v
	default:
		text := string(data)
		s.v = &text
	}
	return nil
}
