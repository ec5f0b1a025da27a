// Package mailbody makes parts of a mail's body for a provider that lacks a field: HTML
// from text, and a link to unsubscribe from a List-Unsubscribe header.
package mailbody

import (
	"html"
	"strings"
	"unicode"
)

// OfText returns HTML that shows a text as it is written: escaped, with its line breaks, in
// the direction of its first letters, and without links. It is empty for an empty text.
func OfText(plain string) string {
	if plain == "" {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(html.EscapeString(plain), "\r\n", "\n"), "\n")
	return `<div dir="auto">` + strings.Join(lines, "<br>\n") + "</div>"
}

// Way returns the URI of a List-Unsubscribe field (RFC 2369) that a reader can use best: a web
// page before a mail address, and the first of the kind. It is empty when there is none.
func Way(field string) string {
	mailto := ""
	for {
		_, rest, ok := strings.Cut(field, "<")
		uri, after, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			return mailto
		}
		field = after
		uri = strings.TrimSpace(uri)
		switch scheme, _, _ := strings.Cut(uri, ":"); strings.ToLower(scheme) {
		case "https", "http":
			return uri
		case "mailto":
			if mailto == "" {
				mailto = uri
			}
		}
	}
}

// LinkHTML returns body with a link to uri at its end, and false when a link to it is there
// already.
func LinkHTML(body, uri string) (string, bool) {
	escaped := html.EscapeString(uri)
	if strings.Contains(body, uri) || strings.Contains(body, escaped) {
		return body, false
	}
	link := `<p dir="auto"><a href="` + escaped + `">` + word(body) + "</a></p>"
	if i := strings.LastIndex(strings.ToLower(body), "</body"); i >= 0 && len(strings.ToLower(body)) == len(body) {
		return body[:i] + link + body[i:], true
	}
	return body + link, true
}

// LinkText is LinkHTML for a text.
func LinkText(body, uri string) (string, bool) {
	if strings.Contains(body, uri) {
		return body, false
	}
	return strings.TrimRight(body, "\r\n") + "\n\n" + word(body) + ": " + uri + "\n", true
}

// word is what the link is called, in the script of the most letters of the body. Tags of HTML
// count as Latin letters, so a letter of another script counts more.
func word(body string) string {
	const weight = 8
	latin, arabic, cyrillic := 0, 0, 0
	for _, r := range body {
		switch {
		case r < unicode.MaxASCII:
			latin++
		case unicode.Is(unicode.Arabic, r):
			arabic += weight
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic += weight
		}
	}
	switch {
	case arabic >= cyrillic && arabic >= latin && arabic > 0:
		return "لغو اشتراک"
	case cyrillic >= latin && cyrillic > 0:
		return "Отписаться"
	}
	return "Unsubscribe"
}
