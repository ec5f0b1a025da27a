package adapterkit

import (
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/provider"
)

// Literal reports whether a setting's text is a value itself: not empty, and not a
// reference that is followed later.
func Literal(text string) bool { return settings.Literal(text) }

// WrongSetting is the problem of one setting, for the Check of a driver.
func WrongSetting(name, message string) []*provider.Error {
	return []*provider.Error{{Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: name, Message: message}}
}
