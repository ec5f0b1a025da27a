package pakat

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/phone"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest/flex"
)

// Tags that every list is documented to have.
const (
	tagEmail     = "EMAIL"
	tagFirstName = "FNAME"
	tagLastName  = "LNAME"
)

var statuses = map[string]provider.MembershipStatus{
	"confirmed":    provider.StatusSubscribed,
	"unconfirmed":  provider.StatusPending,
	"unapproved":   provider.StatusPending,
	"unsubscribed": provider.StatusUnsubscribed,
	"blacklisted":  provider.StatusBlocked,
	"moved":        provider.StatusRemoved,
}

// statusFromWire is unknown for disabled too: who disabled it is not told.
func statusFromWire(s string) provider.MembershipStatus {
	if status, ok := statuses[s]; ok {
		return status
	}
	return provider.StatusOther
}

// statusToWire is nil when the list is to decide.
func statusToWire(s provider.MembershipStatus) *pakatapi.SubscriberStatus {
	switch s {
	case provider.StatusSubscribed:
		return new(pakatapi.SubscriberStatusConfirmed)
	case provider.StatusUnsubscribed:
		return new(pakatapi.SubscriberStatusUnsubscribed)
	case provider.StatusBlocked, provider.StatusBounced, provider.StatusComplained:
		return new(pakatapi.SubscriberStatusBlacklisted)
	}
	return nil
}

// address is where a subscriber's address stands: records have it as a tag,
// answers to a change and to a search do not.
func address(s pakatapi.Subscriber) string {
	if s.EmailTag != "" {
		return s.EmailTag
	}
	return s.Email
}

// contactFromAPI makes one contact of the records that an address has in
// several lists, in their order. Where lists disagree about a field, the first
// one with a value is taken.
func contactFromAPI(records []pakatapi.Subscriber, phoneTag string) provider.Contact {
	out := provider.Contact{Suppressed: []provider.Suppression{}}
	fields := map[string]any{}
	for _, s := range records {
		if out.Email == "" {
			out.Email = address(s)
		}
		// The zone is not stated; UTC is a guess.
		if t, ok := flex.ParseTime(string(s.DateAdded)); ok && (out.CreatedAt.IsZero() || t.Before(out.CreatedAt)) {
			out.CreatedAt = t
		}
		out.Memberships = append(out.Memberships, provider.Membership{List: adapterkit.IDOf(s.List.UID), Status: statusFromWire(s.Status)})
		if s.Status == "blacklisted" && len(out.Suppressed) == 0 {
			// The software refuses single mail to such an address too.
			out.Suppressed = append(out.Suppressed, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "blacklisted"})
		}
		for tag, raw := range s.AdditionalProperties {
			if v := portableValue(raw); v != nil && fields[tag] == nil {
				fields[tag] = v
			}
		}
	}
	adapterkit.SuppressLeft(&out)
	adapterkit.TakeText(fields, tagFirstName, &out.FirstName)
	adapterkit.TakeText(fields, tagLastName, &out.LastName)
	if phoneTag != "" {
		adapterkit.TakeText(fields, phoneTag, &out.Phone)
	}
	if len(fields) > 0 {
		out.Fields = fields
	}
	return out
}

// portableValue is nil for what is empty: the vendor has no other word for a
// field without a value.
func portableValue(raw json.RawMessage) any {
	v, _ := exact.Decode(raw) // it is JSON already
	if adapterkit.Nothing(v) {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, adapterkit.Words(x))
	}
	return out
}

// edits are what a change sets, by tag; an empty text clears.
type edits struct {
	values map[string]string
	notes  []provider.Note
}

// editsToAPI does not know which tags a list has; fieldCache.check does.
func editsToAPI(change provider.ContactChange, phoneTag string) (edits, error) {
	e := edits{values: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(change.Fields)) {
		field := "fields." + name
		if name == tagEmail {
			return e, provider.Invalid(field, "the address of a contact is not changed by an upsert")
		}
		v := change.Fields[name]
		if v == nil {
			e.values[name] = ""
			continue
		}
		value, converted, ok := scalar(v)
		if !ok {
			return e, provider.Invalid(field, "expected a text: how the provider takes a list of texts is not documented")
		}
		why := ""
		if converted {
			why = "written as text"
		}
		if name == phoneTag && value != "" {
			number, cleaned, err := phone.Clean(value)
			switch {
			case err != nil && change.Status.Terminal(): // less mail is never refused
				e.notes = append(e.notes, provider.Note{Field: field, Action: provider.NoteDropped, Why: err.Error()})
				continue
			case err != nil:
				return e, provider.Invalid(field, "%s", err.Error())
			case cleaned != "":
				value, why = number, cleaned
			}
		}
		if why != "" {
			e.notes = append(e.notes, provider.Note{Field: field, Action: provider.NoteConverted, Why: why})
		}
		e.values[name] = value
	}
	for _, own := range []struct {
		field, tag string
		change     provider.Change[string]
	}{{"first_name", tagFirstName, change.FirstName}, {"last_name", tagLastName, change.LastName}, {"phone", phoneTag, change.Phone}} {
		if own.change.IsZero() {
			continue
		}
		if own.tag == "" { // reached by clearing, which the capability of phones does not cover
			return e, provider.Unsupported(feature.ContactsUpsertPhone, "there is no field for phones; the setting phone_tag names one")
		}
		if _, twice := e.values[own.tag]; twice {
			return e, provider.Invalid("fields."+own.tag, "the field is given twice, once as %s", own.field)
		}
		e.values[own.tag] = mailaddr.Name(own.change.Value()) // empty when it is cleared
	}
	return e, nil
}

// subscriberToAPI is the form of a new subscriber.
func subscriberToAPI(wire string, e edits, status provider.MembershipStatus) pakatapi.SubscriberForm {
	form := pakatapi.SubscriberForm{Email: wire, Status: statusToWire(status)}
	putTags(&form, e.values)
	return form
}

// updateToAPI is the form of a changed subscriber. It says again what the
// record already holds, because nothing states that fields which are left out
// keep their values. What holds several values is left out: no form of it is
// documented.
func updateToAPI(wire string, known pakatapi.Subscriber, e edits) (pakatapi.SubscriberForm, []provider.Note) {
	form := pakatapi.SubscriberForm{Email: wire}
	if known.EmailTag != "" {
		form.Email = known.EmailTag // as it is spelt there
	}
	all := map[string]string{}
	var notes []provider.Note
	for _, tag := range slices.Sorted(maps.Keys(known.AdditionalProperties)) {
		v, _ := exact.Decode(known.AdditionalProperties[tag]) // it is JSON already
		_, changed := e.values[tag]
		value, _, ok := scalar(v)
		switch {
		case v == nil || changed || !tagForm.MatchString(tag):
			// Empty anyway, or set below, or none of the list's tags.
		case ok:
			all[tag] = value
		default:
			notes = append(notes, provider.Note{Field: "fields." + tag, Action: provider.NoteWarning, Why: "it holds several values, which cannot be written again; whether the provider keeps them is not stated"})
		}
	}
	maps.Copy(all, e.values)
	putTags(&form, all)
	return form, notes
}

func putTags(form *pakatapi.SubscriberForm, values map[string]string) {
	for tag, v := range values {
		switch tag {
		case tagFirstName:
			form.FirstName = &v
		case tagLastName:
			form.LastName = &v
		default:
			if form.AdditionalProperties == nil {
				form.AdditionalProperties = map[string]string{}
			}
			form.AdditionalProperties[tag] = v
		}
	}
}

// savedUID is the id in the answer to a change, which has two shapes.
func savedUID(s *pakatapi.SavedSubscriber) string {
	if uid := adapterkit.IDOf(s.Data.Record.UID); uid != "" {
		return uid
	}
	return adapterkit.IDOf(s.UID)
}

func listFromAPI(l pakatapi.List) provider.List {
	return provider.List{ID: adapterkit.IDOf(l.General.UID), Name: l.General.Name, Count: -1}
}

// same reports whether two spellings are one address.
func same(a, b string) bool { return mailaddr.Key(a) == mailaddr.Key(b) }
