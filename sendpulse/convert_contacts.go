package sendpulse

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest/flex"
)

// phoneVariable is the system variable that holds the phone number.
const phoneVariable = "Phone"

// nameVariables are the variables in which the account keeps names.
type nameVariables struct{ first, last string }

// standing is what a status of the vendor means for the address on a list.
type standing struct {
	status provider.MembershipStatus
	// everywhere says that the reason lies with the address and not with the
	// list: it is kept from marketing mail, and is put on no further list.
	everywhere provider.Reason
}

// statuses are the vendor's codes.
var statuses = map[int64]standing{
	0:  {status: provider.StatusPending}, // new; gets nothing before the service activates it
	1:  {status: provider.StatusSubscribed},
	2:  {status: provider.StatusPending}, // asked by mail to confirm
	3:  {status: provider.StatusPending}, // waits for the service
	4:  {status: provider.StatusUnsubscribed},
	5:  {status: provider.StatusBlocked, everywhere: "rejected by the provider"},
	6:  {status: provider.StatusUnsubscribed, everywhere: "unsubscribed from everything"},
	7:  {status: provider.StatusPending}, // mail with the confirmation link sent
	8:  {status: provider.StatusBlocked, everywhere: "blocked by the account"},
	9:  {status: provider.StatusBounced, everywhere: "undeliverable"},
	10: {status: provider.StatusBlocked, everywhere: "blocked by host"},
	11: {status: provider.StatusBlocked, everywhere: "blocked by sender name"},
	12: {status: provider.StatusBlocked, everywhere: "blocked by address"},
	13: {status: provider.StatusRemoved},
	14: {status: provider.StatusOther}, // temporarily unavailable: neither free nor final
}

func standingOf(code int64) standing {
	if s, ok := statuses[code]; ok {
		return s
	}
	return standing{status: provider.StatusOther}
}

// fixed reports whether an upsert must leave the membership alone. What adding
// the address again does to its status is not documented, so a status that is
// not known to be harmless counts as fixed.
func (s standing) fixed() bool {
	return s.status.Terminal() || s.status == provider.StatusOther
}

// contactFromAPI is the contact that these memberships are of. Memberships carry
// no phone number.
func (n nameVariables) contactFromAPI(email string, memberships []sendpulseapi.Membership) provider.Contact {
	c := provider.Contact{Email: email, Suppressed: []provider.Suppression{}}
	fields := map[string]any{}
	for _, m := range memberships {
		addMembership(&c, int64(m.ListID), int64(m.Status))
		addVariables(fields, m.Variables)
	}
	adapterkit.SuppressLeft(&c)
	n.takeNames(&c, fields)
	return c
}

// listedFromAPI is a contact as a list shows it.
func (n nameVariables) listedFromAPI(list int64, row sendpulseapi.ListedContact) provider.Contact {
	c := provider.Contact{Email: row.Email, Phone: phone(row.Phone), Suppressed: []provider.Suppression{}}
	addMembership(&c, list, int64(row.Status))
	adapterkit.SuppressLeft(&c)
	fields := map[string]any{}
	for name, raw := range row.Variables {
		if v, ok := variableValue(raw, ""); ok {
			fields[name] = v
		}
	}
	n.takeNames(&c, fields)
	return c
}

// phone is empty for the forms in which PHP writes that there is none.
func phone(t flex.Text) string {
	return adapterkit.IDOf(strings.TrimSpace(string(t)))
}

// addMembership adds the standing on a list, and what it says of all mail.
func addMembership(c *provider.Contact, list, code int64) {
	s := standingOf(code)
	c.Memberships = append(c.Memberships, provider.Membership{List: adapterkit.IDText(list), Status: s.status})
	if s.everywhere == "" {
		return
	}
	entry := provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: s.everywhere}
	if !slices.Contains(c.Suppressed, entry) {
		c.Suppressed = append(c.Suppressed, entry)
	}
}

// addVariables adds the variables that are not there yet.
func addVariables(fields map[string]any, variables []sendpulseapi.ContactVariable) {
	for _, v := range variables {
		if _, ok := fields[v.Name]; ok {
			continue
		}
		if value, ok := variableValue(v.Value, v.Type); ok {
			fields[v.Name] = value
		}
	}
}

// variableValue reads the value of a variable; not ok means that it has none.
// Numbers come as text too, which the type tells where there is one.
func variableValue(raw json.RawMessage, typ string) (any, bool) {
	v, err := exact.Decode(raw)
	if err != nil || adapterkit.Nothing(v) { // an empty text is what clears it
		return nil, false
	}
	if t, ok := v.(string); ok && typ == "number" && exact.IsNumber(t) {
		return exact.Number(t), true
	}
	return v, true
}

// takeNames moves names and phone from fields to their places in c and leaves
// the rest as c's fields.
func (n nameVariables) takeNames(c *provider.Contact, fields map[string]any) {
	adapterkit.TakeText(fields, n.first, &c.FirstName)
	adapterkit.TakeText(fields, n.last, &c.LastName)
	adapterkit.TakeText(fields, phoneVariable, &c.Phone)
	c.Phone = phone(flex.Text(c.Phone))
	if len(fields) > 0 {
		c.Fields = fields
	}
}

// variablesToAPI are the variables that change sets, without the phone number.
func (n nameVariables) variablesToAPI(change provider.ContactChange) (map[string]any, error) {
	out := make(map[string]any, len(change.Fields)+2)
	for _, name := range slices.Sorted(maps.Keys(change.Fields)) {
		v, err := variableToAPI(name, change.Fields[name])
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	if _, ok := out[phoneVariable]; ok {
		return nil, provider.Invalid("fields."+phoneVariable, "expected the phone number in the field phone")
	}
	for _, named := range []struct {
		field, variable string
		change          provider.Change[string]
	}{{"first_name", n.first, change.FirstName}, {"last_name", n.last, change.LastName}} {
		if named.change.IsZero() {
			continue
		}
		if _, twice := out[named.variable]; twice {
			return nil, provider.Invalid("fields."+named.variable, "the field is given twice, once as %s", named.field)
		}
		out[named.variable] = mailaddr.Name(named.change.Value()) // empty when it is cleared
	}
	if change.Phone.Clears() {
		e := provider.Unsupported(feature.ContactsUpsertClear, "the provider documents no way to empty a phone number")
		e.Field = "phone"
		return nil, e
	}
	return out, nil
}

// variableToAPI writes an empty text to empty a variable.
func variableToAPI(name string, v any) (any, error) {
	switch v.(type) {
	case nil:
		return "", nil
	case string, float64, int, int64, json.Number:
		return v, nil
	}
	return nil, provider.Invalid("fields."+name, "expected a text or a number: the provider's variables hold nothing else, got %T", v)
}

// valuesToAPI are variables in the form of a change of one contact, by name.
func valuesToAPI(variables map[string]any) []sendpulseapi.VariableValue {
	out := make([]sendpulseapi.VariableValue, 0, len(variables))
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		out = append(out, sendpulseapi.VariableValue{Name: name, Value: variables[name]})
	}
	return out
}

// listFromAPI leaves out a list that is marked as deleted.
func listFromAPI(l sendpulseapi.List) (provider.List, bool) {
	const deleted = 1
	return provider.List{ID: adapterkit.IDText(l.ID), Name: l.Name, Count: int64(l.AllEmailQty)}, l.Status != deleted
}
