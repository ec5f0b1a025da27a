package adapterkit

import (
	"slices"
	"strings"
	"unicode"
)

// Says reports whether text holds phrase, compared as whole words without regard to
// case and punctuation: "balance" is not in "unbalanced". A word of the phrase that
// ends in * stands for all words with that beginning, for languages that inflect.
func Says(text, phrase string) bool {
	words, want := wordsOf(text), strings.Fields(strings.ToLower(phrase))
	for i := range words {
		if len(want) > 0 && i+len(want) <= len(words) && slices.EqualFunc(words[i:i+len(want)], want, fitsWord) {
			return true
		}
	}
	return false
}

func fitsWord(word, want string) bool {
	if stem, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(word, stem)
	}
	return word == want
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
