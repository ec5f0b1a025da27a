package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/phone"
	"github.com/postmux/postmux/internal/text"
)

// The table of the fields of a ContactChange.

var changeFields = []field[ContactChange]{
	{name: "Email", check: func(c *ContactChange) error { return checkEmail("email", c.Email) }},
	{
		name: "Phone",
		uses: []use[ContactChange]{{
			feature: featureContactPhone, doc: "the phone of a contact",
			used: func(c *ContactChange) bool { return !c.Phone.IsZero() },
		}},
		check: func(c *ContactChange) error { return checkChange("phone", c.Phone) },
	},
	{
		name: "ExternalID",
		uses: []use[ContactChange]{{
			feature: featureContactExternal, doc: "the caller's own id of a contact",
			used: func(c *ContactChange) bool { return !c.ExternalID.IsZero() },
		}},
		check: func(c *ContactChange) error { return checkChange("external_id", c.ExternalID) },
	},
	{
		name: "FirstName",
		uses: []use[ContactChange]{{
			feature: featureContactNames, doc: "first and last name",
			used: func(c *ContactChange) bool { return !c.FirstName.IsZero() || !c.LastName.IsZero() },
		}},
		check: func(c *ContactChange) error { return checkProse("first_name", c.FirstName.Value()) },
	},
	{
		name: "LastName", with: featureContactNames,
		check: func(c *ContactChange) error { return checkProse("last_name", c.LastName.Value()) },
	},
	{
		name: "Fields",
		uses: []use[ContactChange]{
			{
				feature: featureContactFields, doc: "further fields",
				used: func(c *ContactChange) bool { return len(c.Fields) > 0 },
			},
			{feature: featureContactClear, doc: "empty a field", used: clears},
		},
		check: checkContactFields,
		clone: func(c *ContactChange) { c.Fields = maps.Clone(c.Fields) },
		size:  func(c *ContactChange) int { return sizeOfMap(c.Fields) },
	},
	{
		name: "Lists",
		uses: []use[ContactChange]{{
			feature: featureContactNoList, doc: "a contact on no list",
			// A stop needs no list: it is about those that the contact is on.
			used: func(c *ContactChange) bool { return len(c.Lists)+len(c.Memberships) == 0 && !c.stops() },
		}},
		check: func(c *ContactChange) error {
			if slices.ContainsFunc(c.Lists, Ref.IsZero) {
				return Invalid("lists", "expected id or alias")
			}
			return nil
		},
		clone: func(c *ContactChange) { c.Lists = slices.Clone(c.Lists) },
	},
	{
		name: "Status",
		uses: []use[ContactChange]{{
			feature: featureContactStatus, doc: "store as unsubscribed or blocked",
			used: func(c *ContactChange) bool {
				return c.Status.Terminal() || slices.ContainsFunc(
					c.Memberships, func(m Membership) bool { return m.Status.Terminal() },
				)
			},
		}},
		check: func(c *ContactChange) error {
			switch {
			case c.Status == "":
				return nil
			case c.Status == StatusSubscribed && len(c.Lists) == 0:
				return Invalid("status", "subscribed to what? lists names no list")
			}
			return checkStanding("status", c.Status)
		},
	},
	{
		name: "Memberships", with: featureContactStatus,
		check: checkMemberships,
		clone: func(c *ContactChange) { c.Memberships = slices.Clone(c.Memberships) },
		size:  func(c *ContactChange) int { return entrySize * len(c.Memberships) },
	},
	{
		name: "Suppressed",
		uses: []use[ContactChange]{{
			feature: featureContactSuppressed, doc: "stop single kinds of mail to a contact",
			used: func(c *ContactChange) bool { return len(c.Suppressed) > 0 },
		}},
		check: checkSuppressed,
		clone: func(c *ContactChange) { c.Suppressed = slices.Clone(c.Suppressed) },
		size:  func(c *ContactChange) int { return entrySize * len(c.Suppressed) },
	},
}

// checkStanding refuses what nobody can be stored under: a person who has not
// confirmed yet, and what a provider alone decides.
func checkStanding(field string, s MembershipStatus) error {
	if s == StatusSubscribed || s.Terminal() {
		return nil
	}
	return Invalid(
		field, "expected subscribed, unsubscribed, bounced, complained or blocked, got %q",
		text.Clip(string(s)),
	)
}

func checkMemberships(c *ContactChange) error {
	for i, m := range c.Memberships {
		field := fmt.Sprintf("memberships[%d].", i)
		if m.List == "" {
			return Invalid(field+"list", "expected the id of a list")
		}
		if err := checkLine(field+"list", m.List); err != nil {
			return err
		}
		if err := checkStanding(field+"status", m.Status); err != nil {
			return err
		}
	}
	return nil
}

func checkSuppressed(c *ContactChange) error {
	for i, s := range c.Suppressed {
		field := fmt.Sprintf("suppressed[%d].", i)
		if s.Channel != ChannelEmail && s.Channel != ChannelSMS {
			return Invalid(field+"channel", "expected email or sms, got %q", text.Clip(string(s.Channel)))
		}
		switch s.Scope {
		case ScopeMarketing, ScopeTransactional, ScopeAll:
		default:
			return Invalid(
				field+"scope", "expected marketing, transactional or all, got %q",
				text.Clip(string(s.Scope)),
			)
		}
		if s.Email != "" && !sameAddress(s.Email, c.Email) {
			return Invalid(field+"email", "expected no other address than that of the contact")
		}
		if s.Sender != "" {
			if err := checkEmail(field+"sender", s.Sender); err != nil {
				return err
			}
		}
		if err := checkLine(field+"reason", string(s.Reason)); err != nil {
			return err
		}
	}
	return nil
}

// clears reports whether c empties a field.
func clears(c *ContactChange) bool {
	if c.Phone.Clears() || c.ExternalID.Clears() || c.FirstName.Clears() || c.LastName.Clears() {
		return true
	}
	for _, v := range c.Fields {
		if v == nil {
			return true
		}
	}
	return false
}

func checkChange(field string, c Change[string]) error {
	return checkLine(field, c.Value())
}

// convert brings the phone and the further fields into the form in which adapters get
// them. It changes no map of c.
func (c *ContactChange) convert() ([]Note, error) {
	notes, err := c.cleanPhone()
	if err != nil || len(c.Fields) == 0 {
		return notes, err
	}
	v, changed, wrong := exact.Of(c.Fields)
	if wrong != nil {
		return nil, Invalid("fields"+wrong.Path, "%s", wrong.Message)
	}
	if changed {
		c.Fields, _ = v.(map[string]any)
	}
	return notes, nil
}

// cleanPhone takes a phone for what it is. Less mail is never refused: a change that
// stops mail is stored without a phone that is none.
func (c *ContactChange) cleanPhone() ([]Note, error) {
	if !c.Phone.IsSet() {
		return nil, nil
	}
	number, why, err := phone.Clean(c.Phone.Value())
	switch {
	case err != nil && c.stops():
		c.Phone = Change[string]{}
		return []Note{{Field: "phone", Action: NoteDropped, Why: err.Error()}}, nil
	case err != nil:
		return nil, Invalid("phone", "%s", err.Error())
	case why == "":
		return nil, nil
	}
	c.Phone = ChangeTo(number)
	return []Note{{Field: "phone", Action: NoteConverted, Why: why}}, nil
}

// checkContactFields checks names and values of the further fields of a contact.
func checkContactFields(c *ContactChange) error {
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if name == "" {
			return Invalid("fields", "expected a name for every field")
		}
		err := checkLine("", name)
		if err == nil {
			err = checkFieldValue(c.Fields[name])
		}
		if err != nil {
			return atField("fields."+text.Quoted(name), err)
		}
	}
	return nil
}

// checkFieldValue refuses values of types that no provider's field takes.
func checkFieldValue(v any) error {
	switch v := v.(type) {
	case nil, bool, float64, int, int64, json.Number:
		return nil
	case string:
		return checkText("", v)
	case []string:
		return checkListOfTexts(len(v), func(i int) any { return v[i] })
	case []any:
		return checkListOfTexts(len(v), func(i int) any { return v[i] })
	}
	return Invalid("", "expected a text, a number, true, false or a list of texts, got %T", v)
}

func checkListOfTexts(n int, item func(int) any) error {
	for i := range n {
		s, ok := item(i).(string)
		if !ok {
			return Invalid("", "expected a list of texts, got a list with %T", item(i))
		}
		if err := checkText(fmt.Sprintf("[%d]", i), s); err != nil {
			return err
		}
	}
	return nil
}
