package scrub_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/internal/scrub/scrubtest"
)

func TestForms(t *testing.T) {
	s := scrub.New("another-secret", scrubtest.Key)
	for _, form := range scrubtest.Forms(scrubtest.Key) {
		t.Run(form.Name, func(t *testing.T) {
			for _, around := range []struct{ before, after string }{
				{"", ""},
				{"the key ", " is bad"},
				{"مفتاح «", "» نادرست"},
				{strings.Repeat("x ", 3000), strings.Repeat(" y", 3000)},
				{"key=", "&more=1"},
			} {
				got := s.Text(around.before + form.Text + around.after)
				scrubtest.NoneIn(t, scrubtest.Key, got)
				assert.Contains(t, got, scrub.Redacted)
				assert.True(t, strings.HasPrefix(got, around.before), "%.80q", got)
				assert.True(t, strings.HasSuffix(got, around.after), "%.80q", got)
				// Of base64 the characters stay that belong to what stands around.
				assert.LessOrEqual(t, len(got)-len(around.before+around.after), len("dXN")+len(scrub.Redacted)+len("zo6="), got)
			}
		})
	}
}

func TestLengths(t *testing.T) {
	for _, x := range []struct{ name, secret, text, want string }{
		{name: "none", secret: "", text: "the key", want: "the key"},
		{name: "too short", secret: "key", text: "the key", want: "the key"},
		{name: "short, a word", secret: "abcde", text: "the ABCDE, abcde", want: "the REDACTED, REDACTED"},
		{name: "short, in a word", secret: "abcde", text: "xabcde abcde1 abcde_ -abcde", want: "xabcde abcde1 abcde_ -abcde"},
		{name: "short, in base64", secret: "abcde", text: "YWJjZGU=", want: "YWJjZGU="},
		{name: "short, escaped", secret: "ab/de", text: "x=ab%2fde", want: "x=REDACTED"},
		{name: "8, in a word", secret: "abcdefgh", text: "xabcdefghx", want: "xREDACTEDx"},
		{name: "8, a part", secret: "abcdefgh", text: "abcdefg", want: "abcdefg"},
		{name: "12, a part", secret: "abcdefghijkl", text: "abcdefghijk", want: "abcdefghijk"},
		{name: "longer, a part of 11", secret: "abcdefghijklmnop", text: "abcdefghijk", want: "abcdefghijk"},
		{name: "longer, a part in the middle", secret: "abcdefghijklmnop", text: "..cdefghijklmn..", want: "..REDACTED.."},
		{name: "twice", secret: "abcdefgh", text: "abcdefghabcdefgh-abcdefgh", want: "REDACTED-REDACTED"},
	} {
		t.Run(x.name, func(t *testing.T) { assert.Equal(t, x.want, scrub.New(x.secret).Text(x.text)) })
	}
}

// Two secrets of different lengths are looked for at different distances.
func TestSeveral(t *testing.T) {
	s := scrub.New("abcde", "0123456789abcdefghij")
	assert.Equal(t, "REDACTED REDACTED", s.Text("abcde 0123456789abcdefghij"))
}

func TestJSON(t *testing.T) {
	for _, x := range []struct{ name, secret, body, want string }{
		{name: "nothing", secret: "abcdefgh", body: ` {"b": 1.50, "a":"<"}`, want: ` {"b": 1.50, "a":"<"}`},
		{name: "a text", secret: "abcdefgh", body: `{"a":"abcdefgh<","n":12345678901234567890}`, want: `{"a":"REDACTED<","n":12345678901234567890}`},
		{name: "a name", secret: "abcdefgh", body: `{"error":{"abcdefgh":"bad"}}`, want: `{"error":{"REDACTED":"bad"}}`},
		{name: "a list", secret: "abcdefgh", body: `[["abcdefgh",null,true]]`, want: `[["REDACTED",null,true]]`},
		{name: "a short key like a name", secret: "status", body: `{"status":"status"}`, want: `{"status":"REDACTED"}`},
		{name: "a key like a number", secret: "12345678", body: `{"a":12345678,"b":"12345678"}`, want: `{"a":12345678,"b":"REDACTED"}`},
		{name: "no JSON", secret: "abcdefgh", body: `{"a":"abcdefgh`, want: `{"a":"REDACTED`},
	} {
		t.Run(x.name, func(t *testing.T) {
			assert.Equal(t, x.want, string(scrub.New(x.secret).JSON([]byte(x.body))))
		})
	}
}

// A send pays for a look at its answer, and not with memory.
func TestNothingFoundAllocatesNothing(t *testing.T) {
	s := scrub.New("xkeysib-0123456789abcdef0123456789abcdef")
	body := []byte(`{"messageId":"<202611300101.12345678901@smtp-relay.example.com>"}`)
	text := string(body)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		body = s.JSON(body)
		text = s.Text(text)
	}))
}

// Pages of 1,000 contacts, as vendors write them whose JSON is ASCII only, and others.
func BenchmarkJSON(b *testing.B) {
	const persian = `\u0645\u0631\u06cc\u0645\u0645\u0631\u06cc\u0645\u0645\u0631\u06cc\u0645\u0645\u0631\u06cc\u0645`
	const contact = `{"email":"anna.example.of.some.length@example.com","id":12345,"createdAt":"2026-03-02T08:00:00.000Z","listIds":[4,5,6],"attributes":{"A":"%","B":"%"}},`
	s := scrub.New("xkeysib-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-AbCdEfGhIjKlMnOp")
	for _, row := range []struct{ name, value string }{
		{name: "no escapes", value: strings.Repeat("Anna ", 20)},
		{name: "names in escapes", value: persian},
		{name: "slashes", value: strings.Repeat(`\/path`, 14)},
		{name: "HTML", value: `<a href=\"https://example.com/?a=b&amp;c=%41\">x</a>`},
	} {
		body := []byte(`{"contacts":[` + strings.Repeat(strings.ReplaceAll(contact, "%", row.value), 1000) + `{}]}`)
		require.True(b, json.Valid(body))
		b.Run(row.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				s.JSON(body)
			}
		})
	}
}

// Wherever a form of a key stands, it is taken out; the rest of the text stays, and
// JSON stays JSON.
func FuzzScrub(f *testing.F) {
	f.Add(scrubtest.Key, "the key ", uint(0), " is bad")
	f.Add(scrubtest.Key, "%", uint(8), "%2")
	f.Add(scrubtest.Key, `{"error":"`, uint(12), `"}`)
	f.Add("0123456789abcdef0123456789abcdef", "&#", uint(9), "&amp;")
	f.Add("%41\\u0041-0123456789", "\xff", uint(21), "\x00")
	f.Add("aaaaaaaaaaaaaaaa", "aaaa", uint(13), "a")
	f.Fuzz(func(t *testing.T, secret, before string, form uint, after string) {
		odd := strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' })
		if len(secret) < 14 || len(secret) > 200 || odd || strings.Contains(strings.ToUpper(secret), scrub.Redacted) {
			secret = scrubtest.Key
		}
		s, forms := scrub.New(secret), scrubtest.Forms(secret)
		if got := s.Text(before + after); strings.Contains(got, secret) {
			t.Fatalf("%q", got)
		}
		// Letters around may lengthen an escape or a group of base64.
		const apart = " · "
		got := s.Text(before + apart + forms[form%uint(len(forms))].Text + apart + after)
		scrubtest.NoneIn(t, secret, got)
		require.Equal(t, got, s.Text(got), "a second time nothing is found")

		data, err := json.Marshal(map[string]string{before: after, "key": secret})
		require.NoError(t, err)
		clean := s.JSON(data)
		require.True(t, json.Valid(clean), "%q", clean)
		scrubtest.NoneIn(t, secret, string(clean))
		require.True(t, utf8.Valid(clean))
	})
}
