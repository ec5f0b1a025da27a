package terminal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A table is as wide as the terminal, and nothing of it is cut off.
func TestTableFits(t *testing.T) {
	for _, tc := range []struct {
		name  string
		width int
		rows  [][]string
		want  string
	}{
		{name: "no limit", rows: [][]string{{"a", "a long text of some words"}}, want: "A  B\na  a long text of some words\n"},
		{name: "it fits", width: 40, rows: [][]string{{"a", "a long text of some words"}}, want: "A  B\na  a long text of some words\n"},
		{name: "words", width: 20, rows: [][]string{{"a", "a long text of some words"}}, want: "A  B\na  a long text of\n   some words\n"},
		{name: "a long word", width: 20, rows: [][]string{{"a", "<202611301612@smtp-relay.example>"}}, want: "A  B\na  <202611301612@\n   smtp-relay.\n   example>\n"},
		{
			name: "two columns", width: 24, rows: [][]string{{"one two three four", "five six seven eight"}},
			want: "A            B\none two      five six\nthree four   seven eight\n",
		},
		{name: "wide letters", width: 12, rows: [][]string{{"漢字", "漢字漢字漢字"}}, want: "A     B\n漢字  漢字漢字\n      漢字\n"},
		{name: "combining marks", width: 12, rows: [][]string{{"مریم", "سَلام سَلام"}}, want: "A     B\nمریم  سَلام\n      سَلام\n"},
		{name: "narrower than it can be", width: 5, rows: [][]string{{"abcdefghijkl", "x"}}, want: "A         B\nabcdefgh  x\nijkl\n"},
		{
			name: "no word is broken while another column gives way", width: 24, rows: [][]string{{"a b c d e f g h i j k l", "account_wide"}},
			want: "A           B\na b c d e   account_wide\nf g h i j\nk l\n",
		},
		{
			name: "marks before the inside of words", width: 34, rows: [][]string{{"a.feature", "native emulated", "emulated"}, {"message.headers", "emulated", "account_wide"}},
			want: "A               B\na.feature       native    emulated\n                emulated\nmessage.        emulated  account_\nheaders                   wide\n",
		},
		{
			name: "a name of more than half", width: 26, rows: [][]string{{"message.list_unsubscribe", "emulated"}},
			want: "A                 B\nmessage.          emulated\nlist_unsubscribe\n",
		},
		{
			name: "an id does not press the others together", width: 40, rows: [][]string{{"a", "<202611301612.80000001@smtp-relay.mail.example>", "some words to read"}},
			want: "A  B\na  <202611301612.     some words to read\n   80000001@\n   smtp-relay.mail.\n   example>\n",
		},
		{name: "an empty cell", width: 20, rows: [][]string{{"", "x"}, {"y", ""}}, want: "A  B\n   x\ny\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			table := NewTable(&Output{sink: sink{w: &out}, width: tc.width}, "A", "B")
			for _, r := range tc.rows {
				table.Row(r...)
			}
			table.End()
			assert.Equal(t, tc.want, out.String())
		})
	}
}

// Words for states have colours, which take no room.
func TestTableHasColours(t *testing.T) {
	var out strings.Builder
	o := &Output{sink: sink{w: &out}, colour: true}
	table := NewTable(o, "STATE", "WHO")
	table.Row("accepted", "anna")
	table.Row("refused", "accepted by nobody")
	table.End()
	assert.Equal(t, "STATE     WHO\n\x1b[32maccepted\x1b[0m  anna\n\x1b[31mrefused\x1b[0m   accepted by nobody\n", out.String())
}

// A line that is too wide goes on below, between its cells where they fit.
func TestHang(t *testing.T) {
	for _, tc := range []struct {
		name  string
		width int
		want  string
	}{
		{name: "no limit", want: "line 1  anna@example.com  accepted  <1.2@relay.example>\n"},
		{name: "it fits", width: 60, want: "line 1  anna@example.com  accepted  <1.2@relay.example>\n"},
		{name: "an id on a line of its own", width: 40, want: "line 1  anna@example.com  accepted\n    <1.2@relay.example>\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			(&Output{sink: sink{w: &out}, width: tc.width}).Hang("line 1  anna@example.com  accepted  <1.2@relay.example>", "    ")
			assert.Equal(t, tc.want, out.String())
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{name: "nothing"},
		{name: "a paragraph", text: "one two\nthree four five", want: "one two\nthree four\nfive"},
		{name: "paragraphs", text: "one\ntwo\n\nthree", want: "one two\n\nthree"},
		{name: "indented lines stay", text: "one:\n  a long line of code\ntwo", want: "one:\n  a long line of code\ntwo"},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, Wrap(tc.text, 10)) })
	}
}
