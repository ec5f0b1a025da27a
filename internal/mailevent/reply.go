package mailevent

import (
	"strings"

	"github.com/postmux/postmux/provider/events"
)

// Reply finds the code and the status of a mail server in its words, "550 5.1.1 no such
// user"; 0 and empty where there are none. A word that only looks like a code, in the
// midst of others, is not taken: it must stand before a status or begin the text.
func Reply(words string) (code int, status string) {
	for at, word := range strings.FieldsFunc(words, func(r rune) bool { return strings.ContainsRune(" \t\r\n-;:(),#[]<>=\"'", r) }) {
		switch {
		case code == 0 && at < 4 && isCode(word):
			code = int(word[0]-'0')*100 + int(word[1]-'0')*10 + int(word[2]-'0')
		case isStatus(word):
			if code != 0 && code/100 != int(word[0]-'0') {
				continue
			}
			return code, word
		}
	}
	return code, ""
}

func isCode(s string) bool {
	return len(s) == 3 && (s[0] == '2' || s[0] == '4' || s[0] == '5') && digits(s[1:]) && s[1] <= '5'
}

// isStatus reports whether s is a status of RFC 3463: class.subject.detail.
func isStatus(s string) bool {
	class, rest, ok := strings.Cut(s, ".")
	subject, detail, ok2 := strings.Cut(rest, ".")
	return ok && ok2 && (class == "2" || class == "4" || class == "5") &&
		len(subject) <= 3 && len(detail) <= 3 && digits(subject) && digits(detail)
}

// Status returns text when it is a status of RFC 3463, else nothing.
func Status(text string) string {
	if isStatus(text) {
		return text
	}
	return ""
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// ReasonOf is the reason that codes tell; empty when they tell none.
func ReasonOf(status string) events.Reason {
	switch {
	case strings.HasPrefix(status, "5.7."), strings.HasPrefix(status, "4.7."):
		return events.ReasonPolicy
	case status == "4.2.2" || status == "5.2.2":
		return events.ReasonMailboxFull
	case strings.HasPrefix(status, "5.1.") && status != "5.1.7" && status != "5.1.8": // those are about the sender
		return events.ReasonInvalid
	}
	return ""
}

// BounceOf is the class of a bounce by codes alone, for a provider that names none. In
// doubt it is unclear: a wrong "hard" stops mail to an address that works.
func BounceOf(code int, status string) events.Bounce {
	switch reason := ReasonOf(status); {
	case reason == events.ReasonPolicy:
		return events.BounceUnclear
	case reason == events.ReasonMailboxFull:
		return events.BounceSoft
	case reason == events.ReasonInvalid:
		return events.BounceHard
	case strings.HasPrefix(status, "5.1."):
		return events.BounceUnclear
	case code >= 400 && code < 500:
		return events.BounceSoft
	case code == 550 || code == 551 || code == 553:
		return events.BounceHard
	}
	return events.BounceUnclear
}
