package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/postmux/postmux/provider"
)

// mostResident is the aim, in MB, and mostWithPhones that of an import that must know
// whose each phone number is.
const mostResident, mostWithPhones = 64, 96

// counts asks the server what it has seen since the last question.
func (s *server) counts(ctx context.Context) (vendorCounts, error) {
	var c vendorCounts
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Vendor+"/counts", nil)
	if err != nil {
		return c, err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return c, err
	}
	defer func() { _ = resp.Body.Close() }()
	return c, json.NewDecoder(resp.Body).Decode(&c)
}

// childResult is what a client in a process of its own tells.
type childResult struct {
	Rows     int
	Seconds  float64
	Resident int64 // kB, the most
}

// inChild runs this program again, so that the memory is that of the client alone.
func inChild(ctx context.Context, args ...string) (childResult, error) {
	var res childResult
	self, err := os.Executable()
	if err != nil {
		return res, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return res, err
	}
	return res, json.Unmarshal(out.Bytes(), &res)
}

func tell(w io.Writer, rows int, start time.Time) error {
	res := childResult{Rows: rows, Seconds: time.Since(start).Seconds()}
	var err error
	if res.Resident, err = resident(); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(res)
}

// growth measures a tenth of the work and all of it, each in a new process.
func (r *run) growth(ctx context.Context, n int, what, command string, most int64, base func(n int) string) (string, [2]childResult, error) {
	var got [2]childResult
	var seen [2]vendorCounts
	s, err := r.at(ctx)
	if err != nil {
		return "", got, err
	}
	t := table{head: []string{what, "calls", "time", "a second", "resident, most"}}
	for i, n := range []int{n / 10, n} {
		if _, err := s.counts(ctx); err != nil {
			return "", got, err
		}
		if got[i], err = inChild(ctx, command, base(n), strconv.Itoa(n)); err != nil {
			return "", got, err
		}
		if seen[i], err = s.counts(ctx); err != nil {
			return "", got, err
		}
		if got[i].Rows != n || command != "iterate" && seen[i].Rows != n {
			return "", got, fmt.Errorf("%d of %d; the server saw %d", got[i].Rows, n, seen[i].Rows)
		}
		t.add(thousands(n), thousands(seen[i].Calls), fmt.Sprintf("%.1f s", got[i].Seconds), thousands(int(float64(n)/got[i].Seconds)), fmt.Sprintf("%.1f MB", float64(got[i].Resident)/1024))
	}
	calls, memory := float64(seen[1].Calls)/float64(seen[0].Calls), float64(got[1].Resident)/float64(got[0].Resident)
	all := []aim{
		{fmt.Sprintf("at most %d MB resident", most), fmt.Sprintf("%.1f MB", float64(got[1].Resident)/1024), got[1].Resident <= most<<10},
		{"ten times the work: 9 to 11 times the calls", fmt.Sprintf("%.2f times", calls), calls >= 9 && calls <= 11},
	}
	if most == mostResident { // eight bytes for each phone grow with the file
		all = append(all, aim{"ten times the work: at most 1.25 times the memory", fmt.Sprintf("%.2f times", memory), memory <= 1.25})
	}
	return t.String() + "\n" + aims(all), got, nil
}

// iterate reads all contacts of an account.
func (r *run) iterate(ctx context.Context) (string, error) {
	s, err := r.at(ctx)
	if err != nil {
		return "", err
	}
	text, _, err := r.growth(ctx, r.contacts, "contacts read", "iterate", mostResident, func(n int) string { return fmt.Sprintf("%s/contacts-%d", s.Vendor, n) })
	return text, err
}

func iterateChild(base, count string, out io.Writer) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	c, err := ourClient(base, lifted, "")
	if err != nil {
		return err
	}
	start, rows := time.Now(), 0
	for _, err := range c.AllContacts(context.Background(), provider.ContactQuery{}) {
		if err != nil {
			return err
		}
		rows++
	}
	if rows != n {
		return fmt.Errorf("%d contacts, want %d", rows, n)
	}
	return tell(out, rows, start)
}

// imports stores contacts.
func (r *run) imports(ctx context.Context) (string, error) {
	s, err := r.at(ctx)
	if err != nil {
		return "", err
	}
	empty := func(int) string { return s.Vendor + "/contacts-0" }
	text, got, err := r.growth(ctx, r.importRows, "rows imported", "import", mostResident, empty)
	if err != nil {
		return "", err
	}
	speed := float64(got[1].Rows) / got[1].Seconds
	text += fmt.Sprintf("| at least 50,000 rows a second | %s | %s |\n", thousands(int(speed)), map[bool]string{true: "yes", false: "no"}[speed >= 50_000])
	phones, _, err := r.growth(ctx, r.importRows, "rows with a phone number each", "import-phones", mostWithPhones, empty)
	return text + "\n" + phones, err
}

func importChild(base, count string, phones bool, out io.Writer) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	c, err := ourClient(base, lifted, "")
	if err != nil {
		return err
	}
	start := time.Now()
	report, err := c.ImportContacts(context.Background(), changes(n, phones), nil)
	if err != nil {
		return err
	}
	if report.Rows != n || report.Refused != 0 || report.Unknown != 0 {
		return fmt.Errorf("import: %+v", report)
	}
	return tell(out, report.Rows, start)
}

// changes makes n rows as they are asked for, with another phone number in each if that is
// wanted.
func changes(n int, phones bool) iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			row := provider.ContactChange{
				Email: fmt.Sprintf("customer%d@example.com", i), FirstName: provider.ChangeTo("سارا"), LastName: provider.ChangeTo("Customer"),
				Fields: map[string]any{"CITY": "Tehran", "ORDERS": i % 40}, Lists: []provider.Ref{{ID: "4"}},
			}
			if phones {
				row.Phone = provider.ChangeTo(fmt.Sprintf("+98912%07d", i))
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}
