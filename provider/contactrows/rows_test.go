package contactrows_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/postmux/postmux/internal/cellguard"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// read reads a file as a program does: to recognise it, to survey it, and then its rows.
func read(t *testing.T, name, text string, o contactrows.Options) (l *contactrows.Layout, rows []contactrows.Row, problems []string) {
	t.Helper()
	l, err := contactrows.Recognize(name, strings.NewReader(text), o)
	require.NoError(t, err)
	require.NoError(t, l.Survey(strings.NewReader(text)))
	for row, err := range l.Rows(iotest.HalfReader(strings.NewReader(text))) {
		if p, bad := errors.AsType[*contactrows.Problem](err); bad {
			problems = append(problems, p.Error())
			continue
		}
		require.NoError(t, err)
		row.Cells, row.Text = nil, nil
		rows = append(rows, row)
	}
	assert.Equal(t, len(rows)+len(problems), l.Surveyed.Rows)
	assert.Equal(t, len(problems), l.Surveyed.Refused)
	return l, rows, problems
}

func TestColumnsOfAnExport(t *testing.T) {
	_, rows, problems := read(t, "a.csv", "\ufeffemail,phone,external_id,first_name,last_name,lists,status,field.CITY\r\n"+
		"anna@example.by,'+375291234567,u-1,Анна,\"Иванова, ст.\",newsletter; id:4,unsubscribed,Минск\r\n"+
		"sara@example.ir,,,سارا,,,,'=1+1\r\n"+
		"bob@example.com,,,'tis,O'Neill,,,'\r\n", contactrows.Options{})
	assert.Empty(t, problems)
	assert.Equal(t, []contactrows.Row{
		{Line: 2, Stated: true, Change: provider.ContactChange{
			Email: "anna@example.by", Phone: provider.ChangeTo("+375291234567"), ExternalID: provider.ChangeTo("u-1"),
			FirstName: provider.ChangeTo("Анна"), LastName: provider.ChangeTo("Иванова, ст."), Fields: map[string]any{"CITY": "Минск"},
			Lists: []provider.Ref{{Alias: "newsletter"}, {ID: "4"}}, Status: provider.StatusUnsubscribed,
		}},
		{Line: 3, Change: provider.ContactChange{Email: "sara@example.ir", FirstName: provider.ChangeTo("سارا"), Fields: map[string]any{"CITY": "=1+1"}}},
		{Line: 4, Change: provider.ContactChange{
			Email: "bob@example.com", FirstName: provider.ChangeTo("'tis"), LastName: provider.ChangeTo("O'Neill"), Fields: map[string]any{"CITY": "'"},
		}},
	}, rows)
}

// What the standing of a row is, whatever its columns and words, and what the options add:
// the strongest stop counts, and no option lifts one.
func TestStanding(t *testing.T) {
	for _, tc := range []struct {
		name, head, row string
		options         contactrows.Options
		want            provider.MembershipStatus
		problem         string
	}{
		{name: "none", head: "email", row: "a@example.com"},
		{name: "given", head: "email", row: "a@example.com", options: contactrows.Options{Status: provider.StatusSubscribed}, want: provider.StatusSubscribed},
		{name: "word", head: "email,status", row: "a@example.com,Active", want: provider.StatusSubscribed},
		{name: "Russian", head: "email,Статус", row: "a@example.com,Подтверждён", want: provider.StatusSubscribed},
		{name: "Persian", head: "email,وضعيت", row: "a@example.com,لغو‌اشتراک", want: provider.StatusUnsubscribed},
		{name: "German", head: "email,Abo-Status", row: "a@example.com,Abgemeldet", want: provider.StatusUnsubscribed},
		{name: "unknown word", head: "email,status", row: "a@example.com,gold", problem: `the word of standing "gold" is not known`},
		{name: "unknown word, status given", head: "email,status", row: "a@example.com,gold", options: contactrows.Options{Status: provider.StatusSubscribed}, problem: `"gold" is not known`},
		{name: "a stop, status given", head: "email,status", row: "a@example.com,bounced", options: contactrows.Options{Status: provider.StatusSubscribed}, want: provider.StatusBounced},
		{name: "no stop, stop given", head: "email,status", row: "a@example.com,active", options: contactrows.Options{Status: provider.StatusUnsubscribed}, want: provider.StatusUnsubscribed},
		{name: "empty word, status given", head: "email,status", row: "a@example.com,", options: contactrows.Options{Status: provider.StatusSubscribed}, want: provider.StatusSubscribed},
		{name: "pending", head: "email,status", row: "a@example.com,pending", problem: `"pending" is no consent to mail`},
		{name: "pending, status given", head: "email,status", row: "a@example.com,unconfirmed", options: contactrows.Options{Status: provider.StatusSubscribed}, problem: "is no consent"},
		{name: "pending and stopped", head: "email,status,UNSUB_TIME", row: "a@example.com,pending,2024-01-01 00:00:00", want: provider.StatusUnsubscribed},
		{name: "subscribed and stopped", head: "email,status,CLEAN_TIME", row: "a@example.com,subscribed,01.02.2024", want: provider.StatusBounced},
		{name: "two stops", head: "email,blocked,unsubscribed", row: "a@example.com,yes,yes", want: provider.StatusBlocked},
		{name: "no", head: "email,unsubscribed", row: "a@example.com,no", want: ""},
		{name: "no in Persian", head: "email,مسدود", row: "a@example.com,خیر", want: ""},
		{name: "neither yes nor no", head: "email,unsubscribed", row: "a@example.com,perhaps", problem: `"perhaps" is not known`},
		{name: "a stop without a word, asked for", head: "email,UNSUB_TIME", row: "a@example.com,", want: provider.StatusUnsubscribed},
		{name: "subscribed: yes", head: "email,subscribed", row: "a@example.com,1", want: provider.StatusSubscribed},
		{name: "subscribed: no", head: "email,subscribed", row: "a@example.com,0", want: provider.StatusUnsubscribed},
		{name: "mapped stop column", head: "email,Gekündigt", row: "a@example.com,ja", options: contactrows.Options{Map: map[string]string{"Gekündigt": "unsubscribed"}}, want: provider.StatusUnsubscribed},
		{name: "standing mapped away", head: "email,status", row: "a@example.com,gold", options: contactrows.Options{Map: map[string]string{"status": "field.TIER"}}},
		{name: "a stop mapped away", head: "email,status", row: "a@example.com,unsubscribed", options: contactrows.Options{Map: map[string]string{"status": "field.TIER"}}, problem: "says that the person gets no mail"},
		{name: "a stop left out", head: "email,UNSUB_TIME", row: "a@example.com,2024-01-01", options: contactrows.Options{Map: map[string]string{"UNSUB_TIME": "-"}}, problem: "says that the person gets no mail"},
		{name: "only the address is needed", head: "email,status", row: "a@example.com,gold", options: contactrows.Options{Need: contactrows.NeedAddress}},
		{name: "the standing is needed", head: "email,first_name,status", row: "a@example.com,x,cleaned", options: contactrows.Options{Need: contactrows.NeedStanding}, want: provider.StatusBounced},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.options.Lists = []provider.Ref{{ID: "4"}}
			_, rows, problems := read(t, "a.csv", tc.head+"\n"+tc.row+"\n", tc.options)
			if tc.problem != "" {
				require.Len(t, problems, 1)
				assert.Contains(t, problems[0], "line 2: ")
				assert.Contains(t, problems[0], tc.problem)
				return
			}
			require.Empty(t, problems)
			assert.Equal(t, tc.want, rows[0].Change.Status)
			// On no list nobody is a subscriber.
			tc.options.Lists = nil
			_, rows, _ = read(t, "a.csv", tc.head+"\n"+tc.row+"\n", tc.options)
			assert.Equal(t, tc.want == provider.StatusSubscribed, rows[0].Kept.OnNoList == 1)
			assert.NotEqual(t, provider.StatusSubscribed, rows[0].Change.Status)
		})
	}
}

// What is not certain is asked, with the setting that answers it; and what is answered, or
// matters to no row, is not.
func TestQuestions(t *testing.T) {
	in1251, err := charmap.Windows1251.NewEncoder().String("email;Имя\na@example.com;Анна\n")
	require.NoError(t, err)
	for _, tc := range []struct {
		name, file, text string
		options          contactrows.Options
		want             []string // setting and value
	}{
		{name: "nothing", text: "email,first_name\na@example.com,x\n"},
		{name: "encoding", text: in1251, want: []string{"encoding windows-1251"}},
		{name: "encoding given", text: in1251, options: contactrows.Options{Encoding: "CP1251"}},
		{name: "unknown", text: "email,Shoe size\na@example.com,38\n", want: []string{"map Shoe size=field.SHOE_SIZE"}},
		{name: "unknown and empty", text: "email,Shoe size\na@example.com,\n"},
		{name: "unknown and left out", text: "email,Shoe size\na@example.com,38\n", options: contactrows.Options{IgnoreUnknown: true}},
		{name: "mapped", text: "email,Shoe size\na@example.com,38\n", options: contactrows.Options{Map: map[string]string{"shoe-size": "field.SHOE"}}},
		{name: "no address", text: "first_name\nx\n", want: []string{"map "}},
		{name: "two addresses", text: "email,E-Mail\na@example.com,b@example.com\n", want: []string{"map E-Mail=-"}},
		{name: "whole name", text: "email,Name\na@example.com,x\n", want: []string{"map Name=first_name"}},
		{name: "a name beside the first", text: "email,Vorname,Name\na@example.com,x,y\n", want: []string{"map Name=last_name"}},
		{name: "a name beside both", text: "email,First name,Last name,Name\na@example.com,x,y,x y\n"},
		{name: "delimiter", text: "a,b;c\n1,2;3\n", options: contactrows.Options{Map: map[string]string{}, IgnoreUnknown: true}, want: []string{"delimiter comma", "map "}},
		{name: "one possible delimiter", text: "email,b\na@example.com,x;y\n", options: contactrows.Options{IgnoreUnknown: true}},
		{name: "name of the file", file: "unsubscribed.csv", text: "email\na@example.com\n", want: []string{"status unsubscribed"}},
		{name: "name of the file in Russian", file: "Отписавшиеся.csv", text: "email\na@example.com\n", want: []string{"status unsubscribed"}},
		{name: "name of the file, answered", file: "unsubscribed.csv", text: "email\na@example.com\n", options: contactrows.Options{Status: provider.StatusSubscribed}},
		{name: "name of the file, each row says it", file: "unsubscribed.csv", text: "email,status\na@example.com,active\n"},
		{name: "column of stops", text: "email,Bounced at\na@example.com,\n", want: []string{"status unsubscribed"}},
		{name: "lines of JSON", file: "blocked.jsonl", text: `{"email":"a@example.com"}`, want: []string{"status unsubscribed"}},
		{name: "lines of JSON that say it", file: "blocked.jsonl", text: `{"email":"a@example.com","status":"blocked"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := tc.file
			if file == "" {
				file = "a.csv"
			}
			l, _, _ := read(t, file, tc.text, tc.options)
			var got []string
			for _, q := range l.Questions() {
				got = append(got, q.Setting+" "+q.Value)
			}
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.want == nil, l.Certain() == nil)
		})
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		options    contactrows.Options
		want       string
	}{
		{name: "empty", want: "found an empty file"},
		{name: "blank", text: "\n \n\t\n", want: "found an empty file"},
		{name: "no such encoding", text: "email\n", options: contactrows.Options{Encoding: "ebcdic"}, want: "expected one of utf-8, utf-16le"},
		{name: "another encoding given", text: "email,имя\n", options: contactrows.Options{Encoding: "utf-16"}, want: "the names of the columns: expected text in utf-16le"},
		{name: "no such column", text: "email\n", options: contactrows.Options{Map: map[string]string{"mail": "email"}}, want: `no column is called "mail"; the file has email`},
		{name: "no such target", text: "email\n", options: contactrows.Options{Map: map[string]string{"email": "mail"}}, want: `expected one of email, phone`},
		{name: "field without a name", text: "email\n", options: contactrows.Options{Map: map[string]string{"email": "field."}}, want: `got "field."`},
		{name: "pending given", text: "email\n", options: contactrows.Options{Status: provider.StatusPending}, want: `got "pending"`},
		{name: "delimiter", text: "email\n", options: contactrows.Options{Delimiter: '"'}, want: "expected a comma"},
		{name: "quote", text: "email\n\"a\nb\"c\n", want: "line 2: a quote that is opened there is not closed properly"},
		{name: "quote to the end", text: "email\n\"a\n\n\n", want: "line 2: a quote that is opened there"},
		{name: "a list of JSON", text: `[{"email":"a@example.com"}]`, want: "write one contact a line"},
		{name: "mapping of lines", text: `{"email":"a@example.com"}`, options: contactrows.Options{Delimiter: ';'}, want: "neither columns nor a delimiter"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := contactrows.Recognize("a", strings.NewReader(tc.text), tc.options)
			if err == nil {
				if err = l.Survey(strings.NewReader(tc.text)); err == nil {
					err = l.Certain()
				}
			}
			require.ErrorIs(t, err, provider.ErrInvalid)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

// Problems of one row leave the others, and have their cells.
func TestProblems(t *testing.T) {
	text := "email,first_name,lists\r\na@example.com,x\r\n\r\nb@example.com,\"x\ny\",\r\nc@example.com,\"x\"y,\r\nd@example.com,a\xffb,\r\ne@example.com,,a;;b\r\n,x,\r\nf@example.com,1,2,3\r\ng@example.com,,,\r\n"
	_, rows, problems := read(t, "a.csv", text, contactrows.Options{Encoding: "utf-8"})
	assert.Equal(t, []string{
		"line 2: expected 3 cells, got 2",
		`line 6: extraneous or missing " in quoted-field`,
		"line 7: first_name: expected text in UTF-8, found other bytes; the setting encoding names what it is in",
		`line 8: lists: expected names separated by ;, got "a;;b"`,
		"line 9: email: the row has no address",
		"line 10: expected 3 cells, got 4",
	}, problems)
	require.Len(t, rows, 2)
	assert.Equal(t, 4, rows[0].Line)
	assert.Equal(t, 11, rows[1].Line)

	l, err := contactrows.Recognize("a.csv", strings.NewReader(text), contactrows.Options{Encoding: "utf-8"})
	require.NoError(t, err)
	var cells [][]string
	for row, err := range l.Rows(strings.NewReader(text)) {
		if err != nil {
			cells = append(cells, slices.Clone(row.Cells))
		}
	}
	assert.Equal(t, [][]string{
		{"a@example.com", "x"}, {"c@example.com", `"x"y`, ""}, {"d@example.com", "a\xffb", ""}, {"e@example.com", "", "a;;b"}, {"", "x", ""}, {"f@example.com", "1", "2", "3"},
	}, cells)
}

func TestLines(t *testing.T) {
	ids := func(r provider.Ref) (string, bool) { return "7", r.Alias == "news" }
	stop := provider.Suppression{Channel: provider.ChannelSMS, Scope: provider.ScopeAll, Reason: "unsubscribed"}
	_, rows, problems := read(t, "a.jsonl", strings.Join([]string{
		`{"email":"a@example.com","phone":null,"fields":{"AGE":42,"OLD":null},"lists":[{"alias":"newsletter"}]}`, "",
		`{"line":7,"email":"b@example.com","state":"refused","error":"invalid","message":"no","row":{"email":"b@example.com","first_name":"سارا"}}`,
		`{"email":"c@example.com","memberships":[{"list":"id:4","status":"subscribed"},{"list":"news","status":"unsubscribed"},{"list":"x","status":"pending"}],"suppressed":[{"channel":"sms","scope":"all","reason":"unsubscribed"}]}`,
		`{"email":"d@example.com","memberships":[{"list":"id:4","status":"bounced"}],"suppressed":[{"channel":"email","scope":"marketing","reason":"complained"}]}`,
		`{"email":"e@example.com","memberships":[{"list":"id:4","status":"subscribed"},{"list":"old","status":"unsubscribed"}],"suppressed":[]}`,
		`{"email":"f@example.com","mail":1}`, `{"email":1}`, `{"email":"c@example.com"} x`, `{`,
	}, "\n"), contactrows.Options{Lists: []provider.Ref{{ID: "9"}}, ListID: ids})
	nine := provider.Ref{ID: "9"}
	assert.Equal(t, []contactrows.Row{
		{Line: 1, Change: provider.ContactChange{Email: "a@example.com", Phone: provider.ChangeToNone[string](), Fields: map[string]any{"AGE": 42.0, "OLD": nil}, Lists: []provider.Ref{{Alias: "newsletter"}, nine}}},
		{Line: 3, Change: provider.ContactChange{Email: "b@example.com", FirstName: provider.ChangeTo("سارا"), Lists: []provider.Ref{nine}}},
		{Line: 4, Stated: true, Kept: contactrows.Lost{Memberships: 1}, Change: provider.ContactChange{
			Email: "c@example.com", Lists: []provider.Ref{{ID: "4"}, nine}, Suppressed: []provider.Suppression{stop},
			Memberships: []provider.Membership{{List: "7", Status: provider.StatusUnsubscribed}},
		}},
		{Line: 5, Stated: true, Change: provider.ContactChange{Email: "d@example.com", Status: provider.StatusBlocked, Lists: []provider.Ref{{ID: "4"}, nine}}},
	}, rows)
	assert.Equal(t, []string{
		`line 6: memberships.list: no alias "old" for this account; write id:ID for a literal id`,
		"line 7: mail: unknown key", "line 8: email: expected a text, got a number",
	}, []string{problems[0], problems[1][:len("line 7: mail: unknown key")], problems[2]})
	assert.Len(t, problems, 5)
}

// A table of another form comes in row by row; cells that are missing at the end are empty.
func TestTable(t *testing.T) {
	records := func() *table {
		return &table{{}, {"", ""}, {"Email", "First name", "City"}, {"a@example.com"}, {}, {"b@example.com", "x", "y"}, {"c@example.com", "x", "y", "z"}}
	}
	l, err := contactrows.RecognizeTable("a.xlsx", records(), contactrows.Options{Map: map[string]string{"City": "field.CITY"}})
	require.NoError(t, err)
	require.NoError(t, l.Certain())
	require.NoError(t, l.SurveyOf(&recordsOf{rows: *records()}))
	assert.Equal(t, 3, l.Surveyed.Rows)
	assert.Equal(t, []contactrows.Problem{{Line: 7, Text: "expected 3 cells, got 4"}}, l.Surveyed.Problems)
	assert.Equal(t, 6, l.Surveyed.First[1].Line)
	_, err = contactrows.RecognizeTable("a.xlsx", &table{}, contactrows.Options{})
	assert.ErrorContains(t, err, "empty file")
}

type table [][]string

func (t *table) Next() ([]string, int, error) {
	if len(*t) == 0 {
		return nil, 0, io.EOF
	}
	cells := (*t)[0]
	*t = (*t)[1:]
	return cells, 0, nil
}

type recordsOf struct {
	rows table
	n    int
}

func (r *recordsOf) Next() ([]string, int, error) {
	cells, _, err := r.rows.Next()
	r.n++
	return cells, r.n, err
}

func TestPhone(t *testing.T) {
	phone := func(s string) (string, error) {
		if s == "bad" {
			return "", errors.New("no number")
		}
		return "+375" + s, nil
	}
	_, rows, problems := read(t, "a.csv", "email,phone\na@example.com,29\nb@example.com,bad\n", contactrows.Options{Phone: phone})
	assert.Equal(t, provider.ChangeTo("+37529"), rows[0].Change.Phone)
	assert.Equal(t, []string{"line 3: phone: no number"}, problems)
	_, rows, problems = read(t, "a.jsonl", `{"email":"a@example.com","phone":"29"}`+"\n"+`{"email":"a@example.com","phone":"bad"}`, contactrows.Options{Phone: phone})
	assert.Equal(t, provider.ChangeTo("+37529"), rows[0].Change.Phone)
	assert.Equal(t, []string{"line 2: phone: no number"}, problems)
}

// Every text of a contact change is a column and a flag, and what a file has of it gets
// into the change.
func TestOwnFields(t *testing.T) {
	text := reflect.TypeFor[provider.Change[string]]()
	var names []string
	var change provider.ContactChange
	for i, f := range reflect.VisibleFields(reflect.TypeOf(change)) {
		if f.Type != text {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		own := contactrows.OwnFieldIn(&change, name)
		require.NotNil(t, own, "OwnFields has no %s", name)
		assert.Same(t, reflect.ValueOf(&change).Elem().Field(i).Addr().Interface(), own, name)

		var c provider.Contact
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, "{%q:\"x\"}", name), &c))
		k := slices.IndexFunc(contactrows.OwnFields, func(o contactrows.OwnField) bool { return o.Name == name })
		assert.Equal(t, "x", contactrows.OwnFields[k].Of(&c), name)
	}
	assert.ElementsMatch(t, names, contactrows.OwnNames())
}

// Cells are texts: whatever they hold, they reach the contact as they are.
func TestHostileCells(t *testing.T) {
	for _, cell := range []string{"=cmd|' /C calc'!A0", "=cmd()", "x;=cmd()", "＝cmd()", "\x00=cmd()", "@SUM(1)", "+1-1", "-2+3", "\"", ",", "a\nb", "..", "../../x", "\u202ex", "a\u2028b", "\x7f", "می\u200cخواهم"} {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		require.NoError(t, w.WriteAll([][]string{{"email", "field.NOTE"}, {"a@example.com", cellguard.Guard(cell)}}))
		rows, err := contactrows.Read("a.csv", b.Bytes())
		require.NoError(t, err, "%q", cell)
		require.Len(t, rows, 1)
		assert.Equal(t, cell, rows[0].Fields["NOTE"])
	}
}

// A file of any length takes the same memory, also where each row is refused, or where a
// quote is never closed.
func TestMemory(t *testing.T) {
	in := &endless{rows: 100_000}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	l, err := contactrows.Recognize("a.csv", in, contactrows.Options{})
	require.NoError(t, err)
	in.row = 0
	require.NoError(t, l.Survey(in))
	assert.Equal(t, 100_000, l.Surveyed.Rows)
	assert.Less(t, in.most, before.HeapAlloc+4<<20, "as a whole the file is larger than that in memory")

	text := io.MultiReader(strings.NewReader("email\na@example.com\n\""), strings.NewReader(strings.Repeat("x", 17<<20)))
	l, err = contactrows.Recognize("a.csv", strings.NewReader("email\n"), contactrows.Options{})
	require.NoError(t, err)
	assert.ErrorContains(t, l.Survey(text), "longer than 16 MiB")
}

// endless is a CSV file that is made while it is read.
type endless struct {
	row, rows int
	left      []byte
	most      uint64 // of the heap while it was read
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.left) == 0 {
		if e.row > e.rows {
			return 0, io.EOF
		}
		if e.left = fmt.Appendf(nil, "u%d@example.com,فاطمه,شهر %050d\n", e.row, e.row); e.row == 0 {
			e.left = []byte("email,first_name,field.CITY\n")
		}
		if e.row%10_000 == 0 {
			runtime.GC() // what is held counts, not what waits for the collector
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			e.most = max(e.most, m.HeapAlloc)
		}
		e.row++
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// Any file at all, read in any way, is rows, problems or an error; and what an export would
// write, guarded cells too, the import reads as it was, but for blanks at the ends.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("sep=;\r\nemail;имя\r\na@example.com;\"x\"y\r\n"), "x", "y")
	f.Add([]byte("\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00"), " ", "'")
	f.Add([]byte("E-mail\tСтатус\ra@example.com\tотписан\r"), "", "=1")
	f.Add([]byte(`{"line":1,"state":"refused","row":{"email":"a@example.com","suppressed":[]}}`), "x", "\u200b")
	f.Fuzz(func(t *testing.T, data []byte, name, field string) {
		for _, file := range []string{"a.csv", "a.jsonl", "unsubscribed"} {
			for _, o := range []contactrows.Options{{}, {Encoding: "windows-1251", IgnoreUnknown: true}, {Encoding: "utf-16", Need: contactrows.NeedStanding}} {
				checkAny(t, file, data, o)
			}
		}
		if !utf8.ValidString(name) || !utf8.ValidString(field) || strings.Contains(name+field, "\r") {
			return // encoding/csv reads a line break of two bytes as one
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		require.NoError(t, w.WriteAll([][]string{{"email", "last_name", "field.X"}, {"a@example.com", cellguard.Guard(name), cellguard.Guard(field)}}))
		rows, err := contactrows.Read("a.csv", b.Bytes())
		require.NoError(t, err)
		require.Len(t, rows, 1)
		assert.Equal(t, trimmed(name), rows[0].LastName.Value())
		got, _ := rows[0].Fields["X"].(string)
		assert.Equal(t, trimmed(field), got)
	})
}

func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\u200b\ufeff\u200e\u200f", r) })
}

// checkAny reads a file twice: it gives the same both times, and nobody whose row says a
// known stop becomes a subscriber.
func checkAny(t *testing.T, file string, data []byte, o contactrows.Options) {
	t.Helper()
	l, err := contactrows.Recognize(file, bytes.NewReader(data), o)
	if err != nil {
		return
	}
	surveyed := l.Survey(bytes.NewReader(data))
	n, refused, line := 0, 0, 0
	for row, err := range l.Rows(iotest.OneByteReader(bytes.NewReader(data))) {
		_, bad := errors.AsType[*contactrows.Problem](err)
		if err != nil && !bad {
			require.Error(t, surveyed)
			return
		}
		n++
		require.GreaterOrEqual(t, row.Line, line)
		line = row.Line
		if bad {
			refused++
			continue
		}
		require.NotContains(t, row.Change.Fields, "")
		for _, cell := range row.Cells {
			if strings.TrimSpace(cell) == "unsubscribed" && o.Need != contactrows.NeedAddress && l.Certain() == nil && len(l.Columns) > 1 && l.Columns[1].Target == "status" {
				require.NotEqual(t, provider.StatusSubscribed, row.Change.Status)
			}
		}
	}
	if surveyed == nil {
		require.Equal(t, l.Surveyed.Rows, n)
		require.Equal(t, l.Surveyed.Refused, refused)
	}
	_ = l.Questions()
	_ = l.Identity(nil)
}

var million = flag.Int("million", 20_000, "rows of TestSpeed; 1000000 shows the figures")

// The reader keeps pace with encoding/csv alone over a file in windows-1251 with a mapping,
// in constant memory. With -million 1000000 -v it logs the figures:
//
//	go test ./provider/contactrows -run TestSpeed -v -million 1000000
func TestSpeed(t *testing.T) {
	file := func() io.Reader { return &cyrillic{rows: *million} }
	begun := time.Now()
	alone := csv.NewReader(file())
	alone.Comma, alone.ReuseRecord = ';', true
	n := 0
	for {
		_, err := alone.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		n++
	}
	csvTime := time.Since(begun)
	require.Equal(t, *million+1, n)

	o := contactrows.Options{Encoding: "windows-1251", Map: map[string]string{"Город": "field.CITY", "Бонусы": "field.POINTS"}, Status: provider.StatusSubscribed}
	begun = time.Now()
	l, err := contactrows.Recognize("a.csv", file(), o)
	require.NoError(t, err)
	recognised := time.Since(begun)
	begun, n = time.Now(), 0
	for row, err := range l.Rows(file()) {
		require.NoError(t, err)
		if n == 0 {
			assert.Equal(t, "Минск", row.Change.Fields["CITY"])
		}
		n++
	}
	took := time.Since(begun)
	require.Equal(t, *million, n)
	rate := func(d time.Duration) int { return int(float64(*million) / d.Seconds()) }
	t.Logf("%d rows: encoding/csv alone %d rows/s; recognising %d rows/s; reading %d rows/s", *million, rate(csvTime), rate(recognised), rate(took))
	if *million >= 1_000_000 {
		assert.Greater(t, rate(took), 80_000)
		if resident := residentMost(t); resident > 0 {
			t.Logf("at most %d MB resident", resident>>20)
			assert.Less(t, resident, 64<<20)
		}
	}
}

// cyrillic is a file in windows-1251 that is made while it is read.
type cyrillic struct {
	row, rows int
	left      []byte
	buf       []byte
}

func (c *cyrillic) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		switch {
		case c.row > c.rows:
			return 0, io.EOF
		case c.row == 0:
			c.buf = append(c.buf[:0], "E-mail;\xc8\xec\xff;\xd4\xe0\xec\xe8\xeb\xe8\xff;\xd2\xe5\xeb\xe5\xf4\xee\xed;\xc3\xee\xf0\xee\xe4;\xc1\xee\xed\xf3\xf1\xfb\r\n"...)
		default:
			c.buf = fmt.Appendf(c.buf[:0], "user%d@example.com;\xc0\xed\xed\xe0;\xc8\xe2\xe0\xed\xee\xe2\xe0;+37529%07d;\xcc\xe8\xed\xf1\xea;%d\r\n", c.row, c.row%10_000_000, c.row%1000)
		}
		c.left = c.buf
		c.row++
	}
	n := 0
	for n < len(p) && len(c.left) > 0 {
		k := copy(p[n:], c.left)
		n, c.left = n+k, c.left[k:]
	}
	return n, nil
}

// Of several values in a cell of Google Contacts the first is taken, and that is told.
func TestSeveralValues(t *testing.T) {
	_, rows, problems := read(t, "a.csv", "E-mail 1 - Value,Phone 1 - Value\na@example.com ::: b@example.com,+1 415 ::: +2\n", contactrows.Options{})
	require.Empty(t, problems)
	assert.Equal(t, "a@example.com", rows[0].Change.Email)
	assert.Equal(t, provider.ChangeTo("+1 415"), rows[0].Change.Phone)
	assert.Equal(t, "email", rows[0].Kept.Notes()[0].Field)
}
