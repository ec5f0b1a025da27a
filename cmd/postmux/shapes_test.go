package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/internal/charset"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

var printShapes = flag.Bool("shapes", false, "TestShapes logs what each shape of file came to")

// shape is a file as another program writes it. The files were made after the public
// formats; no value is of a person.
type shape struct {
	file    string
	args    []string // what must be said about it
	asks    []string // what a run without args asks for, by its flags
	good    int      // rows that are imported
	refused []int    // lines of the rows that are given back
	noList  []int    // further ones where a contact must be on a list
	stopped []string // who must not be mailable afterwards
	repair  [][2]string
	// repaired are the rows that the second import stores.
	repaired int
}

var shapes = []shape{
	{file: "subscribed_members_export_0a1b.csv", good: 2, refused: []int{4}, repair: [][2]string{{"mc3.example.com", "mc3@example.com"}}, repaired: 1},
	{file: "unsubscribed_members_export_0a1b.csv", good: 2, stopped: []string{"mcu1@example.com", "mcu2@example.com"}},
	{file: "cleaned_members_export_0a1b.csv", good: 1, stopped: []string{"mcc1@example.com"}},
	{file: "nonsubscribed_members_export_0a1b.csv", args: []string{"--status", "unsubscribed"}, asks: []string{"--status unsubscribed"}, good: 1, stopped: []string{"mcn1@example.com"}},
	{file: "brevo.csv", good: 2},
	{file: "brevo-blocklisted.csv", good: 2, refused: []int{4}, stopped: []string{"bb2@example.com", "bb3@example.com"}},
	{file: "sendpulse-en.csv", good: 2, refused: []int{4, 5}, stopped: []string{"sp2@example.com", "sp3@example.com", "sp4@example.com"}},
	{
		file: "sendpulse-ru.csv", args: []string{"--encoding", "windows-1251"}, asks: []string{"--encoding windows-1251"}, good: 2, refused: []int{4, 5},
		stopped: []string{"spr2@example.com"}, repair: [][2]string{{"Не подтверждён", "Отписался"}, {"spr4", "spr4@example.com"}}, repaired: 2,
	},
	{file: "mailwizz.csv", good: 3, refused: []int{3}, stopped: []string{"mw2@example.com", "mw3@example.com", "mw4@example.com"}},
	{file: "google.csv", good: 2},
	{file: "google-old.csv", good: 1},
	{
		file: "outlook-en.csv", args: []string{"--encoding", "cp1252"}, asks: []string{"--encoding windows-1252"}, good: 1, refused: []int{3},
		repair: [][2]string{{"ol2@example", "ol2@example.com"}}, repaired: 1,
	},
	{file: "outlook-ru.csv", args: []string{"--encoding", "cp1251"}, asks: []string{"--encoding windows-1251"}, good: 1},
	{
		file: "outlook-de.csv", args: []string{"--encoding", "windows-1252"}, asks: []string{"--encoding windows-1252"}, good: 1, refused: []int{3},
		repair: [][2]string{{" at ", "@"}}, repaired: 1,
	},
	{
		file: "excel-ru.csv", args: []string{"--map", "Город=field.CITY"}, asks: []string{"--map Город=field.ГОРОД"}, good: 2, refused: []int{4},
		repair: [][2]string{{"ex3@", "ex3@example.com"}}, repaired: 1,
	},
	{file: "excel-unicode.txt", good: 2, refused: []int{4}, stopped: []string{"eu2@example.com"}, repair: [][2]string{{"клиент", "подписан"}}, repaired: 1},
	{file: "utf16be.csv", good: 2},
	{file: "utf16-unmarked.csv", args: []string{"--encoding", "utf-16"}, asks: []string{"--encoding utf-16le"}, good: 2},
	{
		file: "cp1251.csv", args: []string{"--encoding", "windows-1251", "--ignore-unknown"}, asks: []string{"--encoding windows-1251", "--map Город=field.ГОРОД, or --ignore-unknown"},
		good: 2, refused: []int{4}, repair: [][2]string{{"cy3", "cy3@example.com"}}, repaired: 1,
	},
	{
		file: "cp1256.csv", args: []string{"--encoding", "windows-1256"}, asks: []string{"--encoding windows-1256"}, good: 2, refused: []int{4},
		repair: [][2]string{{"(at)", "@"}}, repaired: 1,
	},
	{
		file: "koi8-r.csv", args: []string{"--encoding", "koi8-r"}, asks: []string{"--encoding koi8-r"}, good: 2, refused: []int{4},
		repair: [][2]string{{"ko3@example.com.", "ko3@example.com"}}, repaired: 1,
	},
	{
		file: "cp1252-de.csv", args: []string{"--encoding", "windows-1252"}, asks: []string{"--encoding windows-1252"}, good: 2, refused: []int{4},
		stopped: []string{"de2@example.com"}, repair: [][2]string{{"Kundin", "gesperrt"}}, repaired: 1,
	},
	{file: "persian.csv", good: 3, refused: []int{4, 6}, stopped: []string{"pe2@example.com", "pe3@example.com", "pe4@example.com", "pe5@example.com"}},
	{
		file: "tabs.tsv", args: []string{"--map", "City=field.CITY"}, asks: []string{"--map City=field.CITY"}, good: 2, refused: []int{4},
		repair: [][2]string{{"ta3 example.com", "ta3@example.com"}}, repaired: 1,
	},
	{file: "bars.txt", good: 2, refused: []int{4}, repair: [][2]string{{"@@", "@"}}, repaired: 1},
	{file: "upper.csv", good: 2},
	{file: "padded.csv", good: 3},
	{file: "extra.csv", args: []string{"--map", "CITY=field.CITY", "--map", "shoe_size=-"}, asks: []string{"--map CITY=field.CITY", "--map 'Shoe size=field.SHOE_SIZE', or --ignore-unknown"}, good: 2},
	{file: "empty-column.csv", good: 2},
	{file: "nameless.csv", good: 2},
	{file: "trailing.csv", good: 2},
	{file: "blank-rows.csv", good: 2},
	{
		file: "line-breaks.csv", good: 2, refused: []int{2, 5}, // the break in a name is refused by the rules of texts
		repair: [][2]string{{"Ora\nLee", "Ora Lee"}, {`"""Pip"" x"`, "Pip x"}}, repaired: 2,
	},
	{file: "sep.csv", good: 2},
	{file: "mac.csv", good: 2},
	{file: "addresses.txt", good: 3},
	{file: "headless.csv", args: []string{"--map", "column 2=first_name", "--map", "column 3=last_name"}, asks: []string{"--map 'column 2=field.COLUMN_2'"}, good: 2},
	{file: "duplicates.csv", good: 3},
	{file: "guarded.csv", good: 2},
	{file: "phones.csv", args: []string{"--country", "BY"}, good: 3, refused: []int{5, 6}},
	{
		file: "bad-rows.csv", good: 2, refused: []int{3, 4, 5, 6, 7}, stopped: []string{"ok2@example.com"},
		repair: [][2]string{{"few@example.com,x", "few@example.com,x,"}, {"many@example.com,x,,y", "many@example.com,x,"}, {"gold", "subscribed"}, {",noaddress,", "na9@example.com,noaddress,"}}, repaired: 5,
	},
	{file: "hubspot.csv", good: 2, stopped: []string{"hu2@example.com"}},
	{file: "whole-name.csv", args: []string{"--map", "Name=first_name"}, asks: []string{"--map Name=first_name"}, good: 2},
	{
		file: "two-delimiters.csv", args: []string{"--ignore-unknown"}, // only one of them gives a column of addresses
		asks: []string{"--map 'name, first=field.NAME__FIRST', or --ignore-unknown"}, good: 2,
	},
	{
		file: "any-delimiter.csv", args: []string{"--delimiter", ";", "--map", "Kontakt=email", "--map", "Ort, Land=field.CITY"},
		asks: []string{"--delimiter", "--map NAME=email"}, good: 2,
	},
	{file: "opted-out-list.csv", args: []string{"--status", "unsubscribed"}, asks: []string{"--status unsubscribed"}, good: 2, stopped: []string{"oo1@example.com", "oo2@example.com"}},
	{file: "mixed-case-status.csv", good: 4, refused: []int{5}, stopped: []string{"ms2@example.com", "ms3@example.com", "ms4@example.com"}},
	{file: "changes.jsonl", good: 2, refused: []int{4, 5, 6}, stopped: []string{"js2@example.com"}},
	{file: "whole.jsonl", good: 3, noList: []int{3}, // pending is no membership
		stopped: []string{"wh2@example.com", "wh3@example.com"}},
	{file: "sheet.xlsx", good: 2, refused: []int{5}, stopped: []string{"xl2@example.com"}, repair: [][2]string{{"xl3 example.com", "xl3@example.com"}}, repaired: 1},
	{file: "sheet-gaps.xlsx", args: []string{"--status", "subscribed"}, asks: []string{"--status unsubscribed"}, good: 2, stopped: []string{"xm1@example.com"}},
}

// shapeLab is a sandbox with accounts at two providers.
func shapeLab(t *testing.T) (*sandbox.Server, string) {
	t.Helper()
	sb := sandbox.New(t)
	accounts := make(map[string]any)
	for _, vendor := range []string{"brevo", "sendpulse"} {
		accounts[vendor] = map[string]any(sb.Config().Providers[vendor].With("concurrency", 1))
	}
	data, err := json.Marshal(map[string]any{
		"default": "brevo", "providers": accounts,
		"aliases": map[string]any{"lists": map[string]any{"newsletter": map[string]any{"brevo": "4", "sendpulse": "4"}}},
	})
	require.NoError(t, err)
	return sb, file(t, "postmux.json", string(data))
}

// Files as other programs write them are imported, at two providers: each row is stored, or
// told and given back with all of its cells, and whoever was stopped is not mailable.
// Refused rows that are corrected in the file that gives them back are imported from it.
func TestShapes(t *testing.T) {
	sb, cfg := shapeLab(t)
	names, err := os.ReadDir(filepath.Join("testdata", "shapes"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), 40)
	for _, entry := range names {
		require.True(t, slices.ContainsFunc(shapes, func(s shape) bool { return s.file == entry.Name() }), entry.Name())
	}
	stored, refused, repaired, stopped := 0, 0, 0, 0
	mended := make(map[string]bool)
	for _, s := range shapes {
		for _, vendor := range []string{"brevo", "sendpulse"} {
			t.Run(s.file+" at "+vendor, func(t *testing.T) {
				run := shapeRun{t: t, shape: s, vendor: vendor, sb: sb, cfg: cfg, report: filepath.Join(t.TempDir(), "refused"+reportExt(s.file))}
				run.asked()
				rows := run.imported(filepath.Join("testdata", "shapes", s.file), run.report)
				good, back := s.good, s.refused
				if vendor == "sendpulse" {
					good, back = good-len(s.noList), slices.Concat(back, s.noList)
				}
				run.check(rows, good, back)
				if len(s.repair) > 0 {
					run.repaired()
					repaired += s.repaired
					mended[s.file] = true
				}
				stopped += run.notMailable()
				stored += good
				refused += len(back)
			})
		}
	}
	require.GreaterOrEqual(t, len(mended), 10)
	t.Logf("%d shapes at two providers: %d rows stored, %d refused and given back; in %d shapes %d of these were corrected and imported; %d stopped, 0 of them mailable",
		len(shapes), stored, refused, len(mended), repaired, stopped)
}

func reportExt(name string) string {
	if filepath.Ext(name) == ".jsonl" {
		return ".jsonl"
	}
	return ".csv"
}

type shapeRun struct {
	t           *testing.T
	vendor      string
	sb          *sandbox.Server
	cfg, report string
	shape
}

func (r *shapeRun) run(name string, more ...string) result {
	args := []string{"--config", r.cfg, "--provider", r.vendor, "--json", "contacts", "import", name}
	if filepath.Ext(name) != ".jsonl" {
		args = append(args, "--list", "newsletter")
	}
	return postmux(r.t, append(args, more...)...)
}

// asked checks that what must be said is asked for, by its flag, and that nothing is
// imported before.
func (r *shapeRun) asked() {
	if r.asks == nil {
		return
	}
	before := len(r.sb.Requests(r.vendor))
	got := r.run(filepath.Join("testdata", "shapes", r.file))
	require.Equal(r.t, exit.Local, got.code, got.errOut)
	for _, want := range r.asks {
		assert.Contains(r.t, got.errOut, want)
	}
	assert.Len(r.t, r.sb.Requests(r.vendor), before)
}

// importedRow is a line of the output of an import.
type importedRow struct {
	Index, Line int
	Email       string
	Receipt     *provider.ContactReceipt
	Error       *provider.Error
}

func (r *shapeRun) imported(name, report string) []importedRow {
	got := r.run(name, append(slices.Clone(r.args), "--report", report)...)
	var rows []importedRow
	for line := range strings.Lines(got.out) {
		var row importedRow
		require.NoError(r.t, json.Unmarshal([]byte(line), &row), line)
		require.Equal(r.t, len(rows), row.Index)
		rows = append(rows, row)
	}
	require.NotEmpty(r.t, rows, got.errOut)
	if *printShapes {
		r.t.Log(got.errOut)
	}
	return rows
}

// check checks that each row is stored, or given back.
func (r *shapeRun) check(rows []importedRow, good int, lines []int) {
	var refused []int
	for _, row := range rows {
		if row.Error != nil {
			refused = append(refused, row.Line)
			continue
		}
		assert.NotNil(r.t, r.contact(row.Email), "%s was stored", row.Email)
	}
	assert.Equal(r.t, lines, refused, "lines of the refused rows")
	assert.Len(r.t, rows, good+len(lines))
	given := r.givenBack()
	for _, line := range lines {
		assert.NotEmpty(r.t, given[line], "line %d is given back with its cells", line)
	}
}

// givenBack are the rows of the report by their line.
func (r *shapeRun) givenBack() map[int]string {
	text := r.reportText()
	out := make(map[int]string)
	if filepath.Ext(r.report) == ".jsonl" {
		for line := range strings.Lines(text) {
			var row struct {
				Line int
				Row  json.RawMessage
			}
			require.NoError(r.t, json.Unmarshal([]byte(line), &row))
			out[row.Line] = string(row.Row)
		}
		return out
	}
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.FieldsPerRecord = -1
	first, err := bufio.NewReader(strings.NewReader(text)).ReadString('\n')
	require.NoError(r.t, err)
	for _, d := range ";\t|" {
		if strings.ContainsRune(first, d) && strings.Contains(first, "postmux_line"+string(d)) {
			in.Comma = d
		}
	}
	records, err := in.ReadAll()
	require.NoError(r.t, err)
	for _, record := range records[1:] {
		var line int
		_, err := fmt.Sscan(record[0], &line)
		require.NoError(r.t, err)
		out[line] = strings.Join(record[3:], "|")
	}
	return out
}

// charset is the one that was given for the file, as far as the report is in it.
func (r *shapeRun) charset() charset.Charset {
	if i := slices.Index(r.args, "--encoding"); i >= 0 {
		if c, ok := charset.Named(r.args[i+1]); ok && c.OneByte() {
			return c
		}
	}
	return charset.UTF8
}

func (r *shapeRun) reportText() string {
	data, err := os.ReadFile(r.report)
	require.NoError(r.t, err)
	var b bytes.Buffer
	_, err = b.ReadFrom(r.charset().Reader(bytes.NewReader(data)))
	require.NoError(r.t, err)
	return b.String()
}

// repaired corrects the report and imports it.
func (r *shapeRun) repaired() {
	text := r.reportText()
	head, rows, _ := strings.Cut(text, "\n")
	for _, pair := range r.repair {
		require.Contains(r.t, rows, pair[0])
		rows = strings.ReplaceAll(rows, pair[0], pair[1])
	}
	fixed := filepath.Join(r.t.TempDir(), "fixed.csv")
	require.NoError(r.t, os.WriteFile(fixed, r.charset().Encode([]byte(head+"\n"+rows)), 0o600))
	again := r.imported(fixed, filepath.Join(r.t.TempDir(), "again.csv"))
	n := 0
	for _, row := range again {
		if assert.Nil(r.t, row.Error, "%d", row.Line) {
			n++
		}
	}
	assert.Equal(r.t, r.shape.repaired, n)
}

func (r *shapeRun) contact(email string) *provider.Contact {
	key, err := provider.EmailKey(email)
	require.NoError(r.t, err)
	for _, c := range r.sb.Contacts(r.vendor) {
		if other, _ := provider.EmailKey(c.Email); other == key {
			return &c
		}
	}
	return nil
}

// notMailable checks that nobody who was stopped gets mail of a list.
func (r *shapeRun) notMailable() int {
	for _, email := range r.stopped {
		c := r.contact(email)
		if c == nil || slices.ContainsFunc(c.Suppressed, func(s provider.Suppression) bool {
			return s.Channel == provider.ChannelEmail && s.Scope != provider.ScopeTransactional && s.Sender == ""
		}) {
			continue
		}
		for _, m := range c.Memberships {
			assert.NotEqual(r.t, provider.StatusSubscribed, m.Status, "%s is mailable by list %s", email, m.List)
		}
	}
	return len(r.stopped)
}
