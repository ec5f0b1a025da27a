package provider

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// people writes addresses in one line: "a@x b@y".
func people(text string) []Address {
	var out []Address
	for _, email := range strings.Fields(text) {
		out = append(out, Address{Email: email})
	}
	return out
}

func texts(list []Address) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Email)
	}
	return strings.Join(out, " ")
}

func TestStaging(t *testing.T) {
	const dev = "dev@test.example"
	for name, tc := range map[string]struct {
		redirect, allow         string
		to, cc, bcc             string
		wantTo, wantCc, wantBcc string
		gone                    string
		err                     string
	}{
		"nothing set":         {to: "a@x.com", cc: "b@y.com", wantTo: "a@x.com", wantCc: "b@y.com"},
		"all to one":          {redirect: dev, to: "a@x.com b@y.com", cc: "c@x.com", bcc: "d@x.com", wantTo: dev, gone: "a@x.com, b@y.com, c@x.com, d@x.com"},
		"is there already":    {redirect: dev, to: "a@x.com " + dev, wantTo: dev, gone: "a@x.com"},
		"in another case":     {redirect: dev, to: "DEV@test.example", wantTo: "DEV@test.example"},
		"only as a copy":      {redirect: dev, to: "a@x.com", cc: dev, wantTo: dev, gone: "a@x.com"},
		"allowed":             {allow: "x.com", to: "a@X.com", wantTo: "a@X.com"},
		"refused":             {allow: "x.com y.com", to: "a@x.com", bcc: "a@y.com a@z.com", err: "bcc[1].email"},
		"subdomain":           {allow: "x.com", to: "a@mail.x.com", err: "to[0].email"},
		"looks alike":         {allow: "x.com", to: "a@evilx.com", err: "to[0].email"},
		"both":                {redirect: dev, allow: "x.com", to: "a@x.com b@y.com c@y.com", cc: "d@x.com e@z.com", wantTo: "a@x.com " + dev, wantCc: "d@x.com", gone: "b@y.com, c@y.com, e@z.com"},
		"both, copies only":   {redirect: dev, allow: "x.com", to: "a@x.com", cc: "b@y.com", bcc: "c@y.com", wantTo: "a@x.com", wantCc: dev, gone: "b@y.com, c@y.com"},
		"both, nobody leaves": {redirect: dev, allow: "x.com", to: "a@x.com", wantTo: "a@x.com"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Message{To: people(tc.to), Cc: people(tc.cc), Bcc: people(tc.bcc), ReplyTo: people("r@z.com")}
			notes, err := staging{tc.redirect, strings.Fields(tc.allow)}.apply(m)
			if tc.err != "" {
				var e *Error
				require.ErrorAs(t, err, &e)
				assert.ErrorIs(t, err, ErrInvalid)
				assert.True(t, e.Local())
				assert.Equal(t, tc.err, e.Field)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{tc.wantTo, tc.wantCc, tc.wantBcc, "r@z.com"}, []string{texts(m.To), texts(m.Cc), texts(m.Bcc), texts(m.ReplyTo)})
			if tc.gone == "" {
				assert.Empty(t, notes)
				return
			}
			require.Len(t, notes, 1)
			assert.Equal(t, "to converted", notes[0].Field+" "+string(notes[0].Action))
			_, named, _ := strings.Cut(notes[0].Why, "by dev@test.example: ")
			assert.Equal(t, tc.gone, named)
		})
	}
}

func TestStagingPersonal(t *testing.T) {
	m := &Message{Recipients: []Recipient{{Email: "a@x.com", Name: "Анна", Subject: "1"}, {Email: "b@y.com", Subject: "2"}, {Email: "c@y.com", Subject: "3"}}}
	_, err := staging{allowDomains: []string{"x.com"}}.apply(m)
	assert.ErrorContains(t, err, "recipients[1].email")
	notes, err := staging{"dev@test.example", []string{"x.com"}}.apply(m)
	require.NoError(t, err)
	assert.Equal(t, []Recipient{{Email: "a@x.com", Name: "Анна", Subject: "1"}, {Email: "dev@test.example", Subject: "2"}, {Email: "dev@test.example", Subject: "3"}}, m.Recipients)
	assert.Equal(t, []Note{{"recipients", "converted", "redirect_to: 2 recipients are replaced by dev@test.example: b@y.com, c@y.com"}}, notes)
	notes, err = staging{"dev@test.example", nil}.apply(m)
	require.NoError(t, err)
	assert.Equal(t, "dev@test.example", m.Recipients[0].Email)
	assert.Equal(t, "Анна", m.Recipients[0].Name)
	assert.Equal(t, "redirect_to: 1 recipient is replaced by dev@test.example: a@x.com", notes[0].Why)
	assert.Empty(t, m.To)
}
