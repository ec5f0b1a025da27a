package provider

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a credential. It prints REDACTED in every format, log and
// encoding, also inside other values; Reveal returns the text. The text hangs
// on a pointer because fmt prints unexported text fields of structs.
type Secret struct{ v *string }

// NewSecret returns a Secret that holds text.
func NewSecret(text string) Secret { return Secret{v: &text} }

// Reveal returns the text, empty when there is none.
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

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
