package provider

import (
	"net/url"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// ListUnsubscribe returns the header fields that let mail programs show a
// button to unsubscribe, for Message.Headers: List-Unsubscribe (RFC 2369) and,
// when there is a URL, List-Unsubscribe-Post (RFC 8058).
//
// mailto is an address, or a mailto URL with a subject; link an https URL that
// names the recipient by something that cannot be guessed, and unsubscribes on a
// POST with the body List-Unsubscribe=One-Click, without cookies and without
// asking back. One of the two may be empty. Errors are of kind ErrInvalid.
//
// One-click works only where a DKIM signature covers both fields, which is the
// provider's part.
func ListUnsubscribe(mailto, link string) (map[string]string, error) {
	var ways []string
	if link != "" {
		if err := checkOneClick(link); err != nil {
			return nil, err
		}
		ways = append(ways, "<"+link+">")
	}
	if mailto != "" {
		uri, err := mailtoURL(mailto)
		if err != nil {
			return nil, err
		}
		ways = append(ways, "<"+uri+">")
	}
	if len(ways) == 0 {
		return nil, Invalid("url", "expected an address, an https URL, or both")
	}
	out := map[string]string{"List-Unsubscribe": strings.Join(ways, ", ")}
	if link != "" {
		out["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	if err := checkLine("url", out["List-Unsubscribe"]); err != nil {
		return nil, err
	}
	return out, nil
}

func checkOneClick(link string) error {
	u, err := url.Parse(link)
	switch {
	case !uriText(link) || err != nil || u.Host == "":
		return Invalid("url", "expected an https URL in ASCII without blanks and angle brackets")
	case !strings.EqualFold(u.Scheme, "https"):
		return Invalid("url", "expected https: one-click is not defined for %q", text.Clip(u.Scheme))
	case u.User != nil || strings.Contains(link, "#"):
		return Invalid("url", "expected a URL without user and fragment")
	}
	return nil
}

// mailtoURL makes a mailto URL (RFC 6068) of an address, or checks one.
func mailtoURL(s string) (string, error) {
	const scheme = "mailto:"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		if err := checkEmail("mailto", s); err != nil {
			return "", err
		}
		s = scheme + strings.NewReplacer("&", "%26", "=", "%3D").Replace(url.PathEscape(s))
	}
	u, err := url.Parse(s)
	if err != nil || !uriText(s) || strings.Contains(s, "#") {
		return "", Invalid("mailto", "expected an address, or a URL like mailto:leave@example.com?subject=leave, in ASCII without blanks")
	}
	address, err := url.PathUnescape(u.Opaque)
	if err != nil {
		return "", Invalid("mailto", "%s", err.Error())
	}
	if err := checkEmail("mailto", address); err != nil {
		return "", err
	}
	return s, nil
}

// uriText reports whether s is made of characters that a URL in angle
// brackets may hold.
func uriText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"\^`+"`{|}", r) })
}
