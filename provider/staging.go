package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/text"
)

// staging restricts the recipients of a system that is not in production.
type staging struct {
	redirectTo   string
	allowDomains []string
}

// apply changes the recipients of m, which is the caller's copy, and returns the
// notes about it, or the error for the first recipient that may not be mailed. An
// address that is neither allowed nor the one of redirect_to is replaced by that
// one; a shared mail has it once, of personal mails each goes to it. Names stay, to
// identify redirected mails.
func (s staging) apply(m *Message) ([]Note, error) {
	if s.redirectTo == "" && len(s.allowDomains) == 0 {
		return nil, nil
	}
	if s.redirectTo == "" {
		return nil, s.refuse(m)
	}
	var gone []string
	taken := slices.ContainsFunc(slices.Concat(m.To, m.Cc, m.Bcc), s.isTarget)
	for _, list := range []*[]Address{&m.To, &m.Cc, &m.Bcc} {
		var kept []Address
		for _, a := range *list {
			if !s.isTarget(a) && !s.allows(a.Email) {
				gone = append(gone, a.Email)
				if taken {
					continue
				}
				a.Email, taken = s.redirectTo, true
			}
			kept = append(kept, a)
		}
		*list = kept
	}
	// redirect_to may have been a copy only: a mail needs a recipient.
	if len(m.To) == 0 && len(m.Recipients) == 0 {
		m.To = []Address{{Email: s.redirectTo}}
		m.Cc, m.Bcc = slices.DeleteFunc(m.Cc, s.isTarget), slices.DeleteFunc(m.Bcc, s.isTarget)
	}
	notes := s.notes("to", gone)
	gone = nil
	for i, r := range m.Recipients {
		if !s.isTarget(Address{Email: r.Email}) && !s.allows(r.Email) {
			gone = append(gone, r.Email)
			m.Recipients[i].Email = s.redirectTo
		}
	}
	return append(notes, s.notes("recipients", gone)...), nil
}

func (s staging) notes(field string, gone []string) []Note {
	if len(gone) == 0 {
		return nil
	}
	what := "recipients are"
	if len(gone) == 1 {
		what = "recipient is"
	}
	return []Note{
		{
			Field: field, Action: NoteConverted,
			Why: fmt.Sprintf(
				"redirect_to: %d %s replaced by %s: %s", len(gone), what, s.redirectTo,
				strings.Join(gone, ", "),
			),
		},
	}
}

func (s staging) isTarget(a Address) bool { return strings.EqualFold(a.Email, s.redirectTo) }

// allows reports whether the domain of an address is one of allow_domains.
// Subdomains are domains of their own.
func (s staging) allows(email string) bool {
	domain := email[strings.LastIndexByte(email, '@')+1:]
	return slices.ContainsFunc(
		s.allowDomains, func(d string) bool { return strings.EqualFold(d, domain) },
	)
}

// refuse returns the error for the first recipient outside of allow_domains.
func (s staging) refuse(m *Message) error {
	check := func(field string, i int, email string) error {
		if s.allows(email) {
			return nil
		}
		return Invalid(
			fmt.Sprintf("%s[%d].email", field, i),
			"the account's allow_domains does not have the domain of %s", text.Clip(email),
		)
	}
	for _, list := range []struct {
		name      string
		addresses []Address
	}{{"to", m.To}, {"cc", m.Cc}, {"bcc", m.Bcc}} {
		for i, a := range list.addresses {
			if err := check(list.name, i, a.Email); err != nil {
				return err
			}
		}
	}
	for i, r := range m.Recipients {
		if err := check("recipients", i, r.Email); err != nil {
			return err
		}
	}
	return nil
}

// check returns the problems of the two settings.
func (s staging) check() []*Error {
	var out []*Error
	if settings.Literal(s.redirectTo) {
		if err := mailaddr.Check(s.redirectTo); err != nil {
			out = append(out, configError("redirect_to", "%s", err.Error()))
		}
	}
	if s.allowDomains != nil && len(s.allowDomains) == 0 {
		out = append(
			out,
			configError(
				"allow_domains", "expected at least one domain; without any, leave the key out",
			),
		)
	}
	for i, d := range s.allowDomains {
		if strings.Contains(d, "@") || mailaddr.Check("a@"+d) != nil {
			out = append(
				out,
				configError(
					fmt.Sprintf("allow_domains[%d]", i),
					"expected a domain like example.com, got %q", text.NoKey(d),
				),
			)
		}
	}
	return out
}
