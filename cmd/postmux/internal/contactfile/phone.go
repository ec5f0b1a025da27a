package contactfile

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

// PhonesOf returns the function that writes phone numbers of a country, given as BY or IR,
// with their country code. Numbers that have one keep it.
func PhonesOf(country string) (func(string) (string, error), error) {
	country = strings.ToUpper(strings.TrimSpace(country))
	if regions := phonenumbers.GetSupportedRegions(); !regions[country] {
		return nil, exit.UsageError("--country", "expected two letters of a country, like BY, RU, IR or DE, got %q", country)
	}
	return func(text string) (string, error) {
		if strings.ContainsFunc(text, unicode.IsLetter) {
			return text, nil // whoever stores it says what is wrong
		}
		number, err := phonenumbers.Parse(text, country)
		switch {
		case err != nil:
			return "", fmt.Errorf("expected a phone number of %s or with a country code: %w", country, err)
		case number.GetExtension() != "", !phonenumbers.IsPossibleNumber(number):
			return "", fmt.Errorf("expected a phone number of %s or with a country code, got one of another length", country)
		}
		return phonenumbers.Format(number, phonenumbers.E164), nil
	}, nil
}
