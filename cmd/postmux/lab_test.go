package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// lab is a vendor's fake with an account of the tool at it, and a job for which the tool
// is run again and again, whatever happens to it, until it is done.
type lab struct {
	t        *testing.T
	vendor   string
	job      string // batch, import, export or mailing
	sb       *sandbox.Server
	dir, cfg string
	n        int // messages, rows or contacts
	bad      int // of them; of each so many one is bad
}

// labLists are lists that the fakes have from the start.
var labLists = map[string]string{"brevo": "4", "pakatv3": "4", "pakat": "newsletter001", "sendpulse": "4", "smsby": "318"}

// labJobs are the jobs that a vendor can do.
func labJobs(vendor string) []string {
	if vendor == "smsby" { // it lists no contacts
		return []string{"batch", "import", "mailing"}
	}
	return []string{"batch", "import", "export", "mailing"}
}

func labVendors() []string { return slices.Sorted(maps.Keys(labLists)) }

// newLab makes a job. base is the address of the fake, seen through what stands before it.
func newLab(t *testing.T, vendor, job string, base func(sandbox string) string) *lab {
	t.Helper()
	l := &lab{t: t, vendor: vendor, job: job, sb: sandbox.New(t), dir: t.TempDir(), bad: 7}
	account := l.sb.Config().Providers[vendor].With("tries", 1).With("concurrency", 3)
	if base != nil {
		account = account.With("base_url", base(l.sb.BaseURL(vendor)))
	}
	data, err := json.Marshal(map[string]any{
		"providers": map[string]any{"main": map[string]any(account)}, // an AccountConfig prints redacted
		"aliases":   map[string]any{"lists": map[string]any{"newsletter": map[string]any{"main": labLists[vendor]}}},
	})
	require.NoError(t, err)
	l.cfg = l.write("postmux.json", string(data))
	var b strings.Builder
	switch job {
	case "batch":
		l.n = 18
		for i := range l.n {
			email := l.email(i)
			if i%l.bad == 3 {
				email = "no address"
			}
			fmt.Fprintf(&b, `{"to":[{"email":%q,"name":"U"}],"subject":"s%d","html":"<p>mail %d.</p>"}`+"\n", email, i, i)
		}
		l.write("in.jsonl", b.String())
	case "import":
		l.n = 30
		if vendor == "brevo" || vendor == "sendpulse" || vendor == "smsby" {
			l.n, l.bad = 1040, 61 // many in a call, and beyond the first mark
		}
		b.WriteString("email,first_name,lists\n")
		for i := range l.n {
			email := l.email(i)
			if l.isBad(i) {
				email = fmt.Sprintf("bad%d", i)
			}
			fmt.Fprintf(&b, "%s,N%d,newsletter\n", email, i)
		}
		l.write("in.csv", b.String())
	case "mailing":
		l.n = 18
		b.WriteString("email,first_name\n")
		for i := range l.n {
			fmt.Fprintf(&b, "%s,%d\n", l.email(i), i)
		}
		l.write("in.csv", b.String())
		l.write("in.json", `{"name": "spring", "message": {"subject": "s{{.FirstName}}", "html": "<p>mail {{.FirstName}}.</p>"}, "unsubscribe": {"mailto": "leave@example.com"}}`)
	case "export":
		l.n = 1100
		for i := range l.n {
			l.sb.AddContact(vendor, provider.Contact{Email: l.email(i), Memberships: []provider.Membership{{List: labLists[vendor], Status: provider.StatusSubscribed}}})
		}
	}
	return l
}

func (*lab) email(i int) string { return fmt.Sprintf("u%d@example.com", i) }

func (l *lab) isBad(i int) bool { return i%l.bad == 3 }

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) write(name, text string) string {
	l.t.Helper()
	require.NoError(l.t, os.WriteFile(l.path(name), []byte(text), 0o600))
	return l.path(name)
}

func (l *lab) there(name string) bool {
	_, err := os.Stat(l.path(name))
	return err == nil
}

// args are those of the next run: it goes on where there is something to go on with.
func (l *lab) args() []string {
	args := []string{"--config", l.cfg}
	resume := ""
	switch l.job {
	case "batch":
		args = append(args, "batch", l.path("in.jsonl"), "--results", l.path("results.jsonl"))
		resume = "results.jsonl"
	case "mailing": // it goes on by itself
		args = append(args, "mailing", "run", l.path("in.json"), "--contacts", l.path("in.csv"), "--results", l.path("results.jsonl"), "--max-recipients", "18", "--yes")
	case "import":
		args = append(args, "contacts", "import", l.path("in.csv"), "--results", l.path("state"), "--report", l.path("told.csv"))
		resume = "state"
	case "export":
		args = append(args, "contacts", "export", l.path("out.csv"))
		resume = "out.csv.part"
	}
	if resume != "" && l.there(resume) {
		args = append(args, "--resume")
	}
	return args
}

// labCount is what became of many labs.
type labCount struct {
	runs, kills, faults                int
	items, twice, lost, untold, unsure int // untold: refused, and nothing says so; unsure: called unknown
	unsent, toldTwice                  int // of the unsure; rows that the report has twice
}

func (c labCount) String() string {
	return fmt.Sprintf("%d runs, %d kills, %d faults; %d items: %d twice, %d lost, %d untold; %d called unknown, of which %d did not go out; %d told twice",
		c.runs, c.kills, c.faults, c.items, c.twice, c.lost, c.untold, c.unsure, c.unsent, c.toldTwice)
}

func (c *labCount) add(d labCount) {
	c.runs += d.runs
	c.kills += d.kills
	c.faults += d.faults
	c.items += d.items
	c.twice += d.twice
	c.lost += d.lost
	c.untold += d.untold
	c.unsure += d.unsure
	c.unsent += d.unsent
	c.toldTwice += d.toldTwice
}

func (c labCount) none(t *testing.T) {
	t.Helper()
	assert.Zero(t, c.twice, "twice")
	assert.Zero(t, c.lost, "lost")
	assert.Zero(t, c.untold, "untold")
}

// check looks at what the job has done, after a run of the tool to its end that gave code.
func (l *lab) check(c *labCount, code int, out string) {
	l.t.Helper()
	c.items += l.n
	switch l.job {
	case "batch":
		l.checkBatch(c, code)
	case "mailing":
		l.checkMailing(c, code)
	case "import":
		l.checkImport(c, code, out)
	case "export":
		l.checkExport(c, code)
	}
}

func (l *lab) checkBatch(c *labCount, code int) {
	l.t.Helper()
	sent := make(map[int]int)
	for _, m := range l.sb.Messages(l.vendor) {
		i, err := strconv.Atoi(strings.TrimPrefix(m.Subject, "s"))
		require.NoError(l.t, err, m.Subject)
		sent[i]++
	}
	last := make(map[int]string)
	for line := range strings.Lines(l.read("results.jsonl")) {
		var r struct {
			Index *int
			State string
		}
		require.NoError(l.t, json.Unmarshal([]byte(line), &r), line)
		if r.Index != nil {
			last[*r.Index] = r.State
		}
	}
	unsure := 0
	for i := range l.n {
		if sent[i] > 1 {
			c.twice++
		}
		switch last[i] {
		case "unknown":
			unsure++
			c.unsure++
			if sent[i] == 0 {
				c.unsent++
			}
		case "refused":
			if sent[i] > 0 || !l.isBad(i) {
				c.lost++
			}
		case "accepted", "queued", "scheduled":
			if sent[i] == 0 {
				c.lost++
			}
		default:
			c.untold++
		}
	}
	want := exit.Partly
	if unsure > 0 {
		want = exit.Unknown
	}
	assert.Equal(l.t, want, code)
}

func (l *lab) checkMailing(c *labCount, code int) {
	l.t.Helper()
	sent := make(map[string]int)
	for _, m := range l.sb.Messages(l.vendor) {
		sent[m.To[0].Email]++
	}
	last := make(map[string]string)
	for line := range strings.Lines(l.read("results.jsonl")) {
		var r struct {
			State   string
			Receipt provider.Receipt
		}
		require.NoError(l.t, json.Unmarshal([]byte(line), &r), line)
		if r.State != "" && len(r.Receipt.Recipients) > 0 {
			last[r.Receipt.Recipients[0].Email] = r.State
		}
	}
	want := exit.Done
	for i := range l.n {
		email := l.email(i)
		if sent[email] > 1 {
			c.twice++
		}
		switch {
		case last[email] == "unknown":
			want = exit.Unknown
			c.unsure++
			if sent[email] == 0 {
				c.unsent++
			}
		case last[email] == "":
			c.untold++
		case sent[email] == 0:
			c.lost++
		}
	}
	assert.Equal(l.t, want, code)
}

func (l *lab) checkImport(c *labCount, code int, out string) {
	l.t.Helper()
	assert.Equal(l.t, exit.Partly, code)
	stored := make(map[string]bool)
	for _, x := range l.sb.Contacts(l.vendor) {
		stored[x.Email] = true
	}
	rows, err := csv.NewReader(strings.NewReader(l.read("told.csv"))).ReadAll()
	require.NoError(l.t, err)
	told := make(map[int]int)
	for _, r := range rows[1:] {
		line, err := strconv.Atoi(r[0])
		require.NoError(l.t, err)
		told[line-2]++
	}
	refused := 0
	for i := range l.n {
		switch {
		case l.isBad(i):
			refused++
			if told[i] == 0 {
				c.untold++
			}
			if told[i] > 1 {
				c.toldTwice++
			}
		case !stored[l.email(i)]:
			c.lost++
		}
	}
	assert.Contains(l.t, out, fmt.Sprintf("%d rows: ", l.n))
	counted := 0
	for _, m := range regexp.MustCompile(`(\d+) refused`).FindAllStringSubmatch(out, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(l.t, err)
		counted += n
	}
	assert.Equal(l.t, refused, counted, out)
}

func (l *lab) checkExport(c *labCount, code int) {
	l.t.Helper()
	assert.Equal(l.t, exit.Done, code)
	times := make(map[string]int)
	for line := range strings.Lines(l.read("out.csv")) {
		email, _, _ := strings.Cut(line, ",")
		times[email]++
	}
	for i := range l.n {
		switch times[l.email(i)] {
		case 0:
			c.lost++
		case 1:
		default:
			c.twice++
		}
	}
	assert.Len(l.t, times, l.n+1, "and the names of the columns")
	left, err := os.ReadDir(l.dir)
	require.NoError(l.t, err)
	var names []string
	for _, f := range left {
		names = append(names, f.Name())
	}
	assert.Equal(l.t, []string{"out.csv", "postmux.json"}, names, "nothing else stays behind")
}

func (l *lab) read(name string) string {
	l.t.Helper()
	data, err := os.ReadFile(l.path(name))
	require.NoError(l.t, err)
	return string(data)
}
