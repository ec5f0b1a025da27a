package provider

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// howToAdd says what a new field needs. The failures below quote it.
const howToAdd = `add a row to %[1]s in provider/message_fields.go or contact_fields.go: the feature, how to see that it is used,
how to drop and copy it, its checks, its size. The conformance suite then probes it at every provider
and asks each capability table for a cell.`

// Every exported field has a row, in the order of the struct.
func TestEveryFieldHasARow(t *testing.T) {
	rowFor(t, "messageFields", messageFields)
	rowFor(t, "recipientFields", recipientFields)
	rowFor(t, "attachmentFields", attachmentFields)
	rowFor(t, "changeFields", changeFields)
}

func rowFor[T any](t *testing.T, table string, rows []field[T]) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	var fields, named []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		fields = append(fields, f.Name)
		assert.True(t, f.IsExported(), "%s.%s: a copy and its JSON would lose it", typ.Name(), f.Name)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		assert.True(t, tag != "" && tag != "-", "%s.%s has no JSON name: the digest of a message and the key of a batch would not see it", typ.Name(), f.Name)
	}
	for _, row := range rows {
		named = append(named, row.name)
	}
	for _, f := range fields {
		assert.Contains(t, named, f, "%[2]s.%[3]s has no row: "+howToAdd, table, typ.Name(), f)
	}
	assert.Equal(t, fields, named, "the rows of %s are those of the struct, in its order", table)
}

// everywhere are the fields that every provider takes.
var everywhere = []string{
	"Message.From", "Message.To", "Message.Subject",
	"Recipient.Email", "Recipient.Name", "Recipient.Subject",
	"Attachment.Name",
	"ContactChange.Email", "ContactChange.Lists",
}

// A field that is set asks for its feature, is checked, copied and counted: a
// provider without the feature cannot lose it in silence.
func TestEveryRowDoesWhatItSays(t *testing.T) {
	rowsOf(t, messageFields, func(m Message) *Message { return &m })
	rowsOf(t, recipientFields, func(r Recipient) *Message { return &Message{Recipients: []Recipient{r}} })
	rowsOf(t, attachmentFields, func(a Attachment) *Message { return &Message{Attachments: []Attachment{a}} })
}

func rowsOf[T any](t *testing.T, rows []field[T], within func(T) *Message) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	for i, row := range rows {
		name := typ.Name() + "." + row.name
		var empty, one T
		sample(reflect.ValueOf(&one).Elem().Field(i), 1)
		before, after := within(empty).needs(nil), within(one).needs(nil)
		if slices.Contains(everywhere, name) {
			assert.Equal(t, before, after, "%s is a feature: take it off the list of fields that every provider takes", name)
		} else {
			assert.NotEqual(t, before, after, "%s is set and asks for no feature: a provider without it would drop it in silence", name)
		}
		if row.with != "" {
			assert.Contains(t, after, row.with, "%s: the row of the feature does not notice it", name)
		}
		kind := typ.Field(i).Type.Kind()
		if text := kind == reflect.String || kind == reflect.Map; text && row.name != "Template" {
			assert.NotNil(t, row.check, "%s is text and is not checked", name)
		}
		if kind == reflect.Slice || kind == reflect.Map || row.name == "HTML" {
			assert.NotNil(t, row.size, "%s counts as nothing in a batch", name)
		}
	}
	for _, row := range rows {
		for _, u := range row.uses {
			drops := slices.Contains(u.actions, ActionDrop) || slices.Contains(u.actions, actionSendNow)
			assert.Equal(t, drops, u.drop != nil, "%s: a policy may drop it, so the row says how, and the other way round", u.feature)
		}
	}
}

// A contact change asks for what its fields need. Email and lists are taken
// everywhere; what is special is a contact on no list.
func TestEveryChangeFieldAsksForItsFeature(t *testing.T) {
	typ := reflect.TypeFor[ContactChange]()
	for i, row := range changeFields {
		name := typ.Name() + "." + row.name
		base := ContactChange{Lists: []Ref{{ID: "1"}}}
		one := base
		sample(reflect.ValueOf(&one).Elem().Field(i), 1)
		after := needs(changeFields, &one, nil)
		if slices.Contains(everywhere, name) {
			assert.Empty(t, after, name)
			continue
		}
		assert.NotEmpty(t, after, "%[2]s is set and asks for no feature: "+howToAdd, "changeFields", name)
		if kind := typ.Field(i).Type; strings.HasPrefix(kind.Name(), "Change[") {
			reflect.ValueOf(&base).Elem().Field(i).Set(reflect.ValueOf(ChangeToNone[string]()))
			cleared := needs(changeFields, &base, nil)
			assert.Contains(t, cleared, featureContactClear, "%s is cleared", name)
			assert.Subset(t, cleared, after, "%s is cleared at a provider without the field", name)
		}
	}
}

// What is dropped or emulated leaves nothing that asks for the feature, and does not change
// what the caller's message shares with the copy.
func TestDropLeavesNothing(t *testing.T) {
	for _, row := range messageFields {
		for _, u := range row.uses {
			m := fullMessage()
			if u.feature == featureTextOnly {
				m.HTML, m.Recipients[0].HTML, m.Recipients[1].HTML = "", "", ""
			}
			before, _ := json.Marshal(m)
			if u.drop != nil {
				dropped := *m
				assert.True(t, u.used(&dropped), "%s: the full message does not use it", u.feature)
				u.drop(&dropped)
				assert.False(t, u.used(&dropped), "%s is still used after it was dropped", u.feature)
			}
			if u.emulate != nil {
				emulated := *m
				emulated.Template = Ref{}
				require.True(t, u.used(&emulated), "%s: the full message does not use it", u.feature)
				_, ok := u.emulate(&emulated, "x")
				assert.True(t, ok, "%s", u.feature)
				assert.False(t, u.used(&emulated), "%s is still used after it was emulated", u.feature)
			}
			after, _ := json.Marshal(m)
			assert.JSONEq(t, string(before), string(after), "%s: the caller's message was changed", u.feature)
		}
	}
}

// A copy shares nothing that a policy or the staging settings may change.
func TestCloneSharesNothing(t *testing.T) {
	m := fullMessage()
	before, _ := json.Marshal(m)
	c := m.Clone()
	assert.Equal(t, m, c)
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Slice:
			f.Index(0).SetZero()
		case reflect.Map:
			for _, k := range f.MapKeys() {
				f.SetMapIndex(k, reflect.Zero(f.Type().Elem()))
			}
		}
	}
	after, _ := json.Marshal(m)
	assert.JSONEq(t, string(before), string(after), "a change of the copy is seen in the message: a row lacks clone")
}

// fullMessage has every field set, in lists two elements.
func fullMessage() *Message {
	m := new(Message)
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		sample(v.Field(i), 2)
	}
	m.Headers["List-Unsubscribe"] = "<https://example.com/leave>"
	return m
}

// sample sets v, and what is in it, to values that are not zero; lists get n elements.
func sample(v reflect.Value, n int) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		return
	case *Change[string]:
		*x = ChangeTo("x")
		return
	case *MembershipStatus:
		*x = StatusUnsubscribed
		return
	case *Toggle:
		*x = ToggleOn
		return
	case *[]byte:
		*x = []byte("x")
		return
	case *Ref:
		x.ID = "1"
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			sample(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range n {
			value := reflect.New(v.Type().Elem()).Elem()
			if value.Kind() == reflect.Interface {
				value.Set(reflect.ValueOf("x"))
			} else {
				sample(value, n)
			}
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint("k", i)), value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			sample(v.Field(i), n)
		}
	default:
		panic("sample: add a value for " + v.Type().String())
	}
}

// A policy that would do nothing, or more than its name says, is refused.
func TestPolicyIsChecked(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy Policy
		want   string // empty when it is right
	}{
		{name: "a time is never dropped", policy: Policy{"message.send_at": "drop"}, want: `policy.message.send_at: expected error or send_now, got "drop"`},
		{name: "at once, of a time only", policy: Policy{"message.cc": "send_now"}, want: `policy.message.cc: expected drop or error, got "send_now"`},
		{name: "fan out by a part", policy: Policy{"message.to": "fan_out"}, want: `policy.message.to: expected error, got "fan_out"`},
		{name: "all of a message", policy: Policy{"message": "fan_out"}, want: `policy.message: expected drop or emulate or error, got "fan_out"`},
		{name: "error everywhere", policy: Policy{"message": "error", "contacts": "error"}},
		{name: "drop and emulate by a part", policy: Policy{"message": "drop", "message.text": "emulate"}},
		{name: "what has no policy", policy: Policy{"contacts.get": "error"}, want: "policy.contacts.get: no feature of this name can have a policy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			problems := tc.policy.check()
			if tc.want == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.ErrorContains(t, problems[0], tc.want)
		})
	}
}
