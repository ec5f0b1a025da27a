package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

var mailingMembers = flag.Int("mailing.members", 300, "members of the list of TestMailingOfManyMembers")

const mailingFile = `{"name": "spring", "message": {"subject": "For {{or .FirstName \"you\"}}", "html": "<p>Dear {{or .FirstName \"reader\"}}</p>"},
	"unsubscribe": {"link": "https://example.com/u?t={token}", "secret": "0123456789abcdef"}}`

// mailingAccount is an account at a sandbox whose list has n members.
func mailingAccount(t *testing.T, vendor string, n int, front func(base string) string) (sb *sandbox.Server, cfg string) {
	t.Helper()
	sb = sandbox.New(t)
	account := sb.Config().Providers[vendor]
	if front != nil {
		account = account.With("base_url", front(sb.BaseURL(vendor)))
	}
	data, err := json.Marshal(map[string]any{"providers": map[string]any{"main": map[string]any(account)}, "aliases": map[string]any{"lists": map[string]any{"newsletter": map[string]any{"main": labLists[vendor]}}}})
	require.NoError(t, err)
	for i := range n {
		sb.AddContact(vendor, provider.Contact{Email: fmt.Sprintf("u%d@example.com", i), FirstName: "Anna", Memberships: []provider.Membership{{List: labLists[vendor], Status: provider.StatusSubscribed}}})
	}
	return sb, file(t, "postmux.json", string(data))
}

// The calls of a mailing to a large list are counted at each vendor, and the memory of the tool is
// measured: it does not grow with the list.
func TestMailingOfManyMembers(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	for _, vendor := range []string{"brevo", "pakat", "sendpulse"} {
		t.Run(vendor, func(t *testing.T) {
			var mu sync.Mutex
			calls := make(map[string]int)
			number := regexp.MustCompile(`/[0-9a-z]*[0-9][0-9a-z]*(/|$)`)
			_, cfg := mailingAccount(t, vendor, 0, func(base string) string {
				u, err := url.Parse(base)
				require.NoError(t, err)
				proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					calls[r.Method+" "+number.ReplaceAllString(strings.TrimPrefix(r.URL.Path, u.Path), "/…$1")]++
					mu.Unlock()
					if page := membersPage(vendor, r, *mailingMembers); page != nil {
						w.Header().Set("Content-Type", "application/json")
						assert.NoError(t, json.NewEncoder(w).Encode(page))
						return
					}
					proxy.ServeHTTP(w, r)
				}))
				t.Cleanup(server.Close)
				return server.URL + u.Path
			})
			cmd := exec.CommandContext(t.Context(), binary, "--config", cfg, "mailing", "run", file(t, "spring.json", mailingFile), "--list", "newsletter", "--max-recipients", fmt.Sprint(*mailingMembers), "--yes")
			cmd.Env = append(os.Environ(), toolEnv+"=1")
			var out, problems strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &problems
			require.NoError(t, cmd.Start())
			most := resident(t, cmd)
			require.NoError(t, cmd.Wait(), problems.String())
			assert.True(t, strings.HasSuffix(out.String(), fmt.Sprintf("\n%d messages: %[1]d accepted\n", *mailingMembers)))
			all := 0
			for _, n := range calls {
				all += n
			}
			t.Logf("%s: %d members, %d calls %v, %.1f MB resident at most", vendor, *mailingMembers, all, calls, float64(most())/1e6)
			assert.LessOrEqual(t, all, *mailingMembers+*mailingMembers/10)
			if *mailingMembers >= 100_000 {
				assert.LessOrEqual(t, most(), 64_000_000, "bytes in memory at most")
			}
		})
	}
}

// membersPage is a page of a list of n members in the form of a vendor; nil for other requests. The
// sandbox sorts all contacts for each page, which takes too long for a large list.
func membersPage(vendor string, r *http.Request, n int) any {
	number := func(name string) int { v, _ := strconv.Atoi(r.URL.Query().Get(name)); return v }
	from, size, path := number("offset"), number("limit"), "/contacts/lists/4/contacts"
	switch vendor {
	case "pakat":
		size, path = number("per_page"), "/subscribers"
		from = (number("page") - 1) * size
	case "sendpulse":
		path = "/addressbooks/4/emails"
	}
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, path) {
		return nil
	}
	rows := []map[string]any{}
	for i := from; i < min(n, from+size); i++ {
		email := fmt.Sprintf("u%d@example.com", i)
		switch vendor {
		case "brevo":
			rows = append(rows, map[string]any{
				"email": email, "id": i + 1, "emailBlacklisted": false, "smsBlacklisted": false, "listIds": []int{4},
				"createdAt": "2026-11-30T19:19:11.642+02:00", "modifiedAt": "2026-11-30T19:19:11.642+02:00", "attributes": map[string]any{"FIRSTNAME": "Anna"},
			})
		case "pakat":
			rows = append(rows, map[string]any{"EMAIL": email, "FNAME": "Anna", "status": "confirmed", "subscriber_uid": fmt.Sprintf("s%012d", i), "source": "api", "ip_address": nil, "date_added": "2026-11-30 17:19:11"})
		case "sendpulse":
			rows = append(rows, map[string]any{"email": email, "phone": "", "status": 1, "status_explain": "Active", "variables": map[string]any{"first_name": "Anna"}})
		}
	}
	switch vendor {
	case "brevo":
		return map[string]any{"contacts": rows, "count": n}
	case "sendpulse":
		return rows
	}
	page, pages := number("page"), (n+size-1)/size
	var next any
	if page < pages {
		next = page + 1
	}
	return map[string]any{"status": "success", "data": map[string]any{"count": strconv.Itoa(n), "total_pages": pages, "current_page": page, "next_page": next, "prev_page": nil, "records": rows}}
}

// resident watches the memory of a command. most waits for its end and returns the most bytes that
// were resident, 0 where the system does not tell. The rusage of a child is no help: it begins with
// that of its parent, which has the sandbox.
func resident(t *testing.T, cmd *exec.Cmd) (most func() int) {
	seen, end, done := 0, make(chan struct{}), make(chan struct{})
	name := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			data, _ := os.ReadFile(name)
			for line := range strings.Lines(string(data)) {
				var kib int
				if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
					seen = max(seen, kib<<10)
				}
			}
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	}()
	var once sync.Once
	stop := func() { once.Do(func() { close(end) }); <-done }
	t.Cleanup(stop)
	return func() int { stop(); return seen }
}

// A list that cannot be read names the flag that helps.
func TestMailingToAListThatCannotBeRead(t *testing.T) {
	for _, vendor := range []string{"pakatv3", "smsby"} {
		t.Run(vendor, func(t *testing.T) {
			sb, cfg := mailingAccount(t, vendor, 0, nil)
			name := file(t, "spring.json", mailingFile)
			r := postmux(t, "--config", cfg, "mailing", "run", name, "--list", "newsletter", "--max-recipients", "9", "--yes")
			assert.Equal(t, exit.Local, r.code)
			assert.Contains(t, r.errOut, "--contacts FILE; nothing was sent")

			// What rows and whole contacts say of themselves counts.
			people := file(t, "people.jsonl", `{"email": "anna@example.com", "first_name": "Anna"}
{"email": "left@example.com", "status": "unsubscribed"}
{"email": "LEFT@example.com"}
{"email": "waits@example.com", "suppressed": [], "memberships": [{"list": "4", "status": "pending"}]}
{"email": "no@example.com", "suppressed": [{"channel": "email", "scope": "transactional", "reason": "bounced"}]}
`)
			r = postmux(t, "--config", cfg, "--json", "mailing", "run", name, "--contacts", people, "--dry-run")
			require.Equal(t, exit.Done, r.code, r.errOut)
			var count mailingCount
			require.NoError(t, json.Unmarshal([]byte(r.out), &count), r.out)
			assert.Equal(t, 1, count.ToSend, r.out)
			assert.Equal(t, 1, count.Calls)
			assert.Equal(t, map[string]int{"suppressed: unsubscribed": 2, "pending": 1, "suppressed: bounced": 1}, count.LeftOut, r.out)
			r = postmux(t, "--config", cfg, "mailing", "run", name, "--contacts", people, "--max-recipients", "9", "--yes")
			require.Equal(t, exit.Done, r.code, r.errOut)
			assert.Len(t, sb.Messages(vendor), 1)
		})
	}
}

func TestMailingUsage(t *testing.T) {
	_, cfg := mailingAccount(t, "brevo", 1, nil)
	good := file(t, "good.json", mailingFile)
	for _, tt := range []struct {
		name string
		text string // of the file; "" is a good one
		args []string
		want string
	}{
		{"nobody is named", "", nil, "--list: expected --list REF or --contacts FILE"},
		{"no way out", `{"name": "x", "message": {"subject": "s", "text": "t"}}`, []string{"--list", "newsletter"}, "unsubscribe: expected a way to unsubscribe"},
		{"a way out beside none", "", []string{"--list", "newsletter", "--no-unsubscribe"}, "--no-unsubscribe"},
		{"an alias that is not there", "", []string{"--list", "news"}, `no alias "news"`},
		{"a file that is not there", "", []string{"--contacts", "nowhere.csv"}, "cannot read the file"},
		{"an unknown key", `{"nam": "x"}`, []string{"--list", "newsletter"}, "nam: unknown key"},
		{"a template that fails", `{"name": "x", "message": {"subject": "{{.Nam}}", "text": "t"}, "unsubscribe": {"none": true}}`, []string{"--list", "newsletter"}, "message.subject"},
		{"the results of something else", "", []string{"--list", "newsletter", "--max-recipients", "1", "--yes", "--results", good}, "--results"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := good
			if tt.text != "" {
				name = file(t, "mailing.json", tt.text)
			}
			r := postmux(t, append([]string{"--config", cfg, "mailing", "run", name}, tt.args...)...)
			assert.Equal(t, exit.Local, r.code, r.errOut)
			assert.Contains(t, r.errOut, tt.want)
			assert.Contains(t, r.errOut, "nothing was sent")
		})
	}
}

// Somebody who was mailed before and has left since counts as done; so does one whose mail is unknown.
func TestMailingAfterSomebodyLeft(t *testing.T) {
	sb, cfg := mailingAccount(t, "brevo", 2, nil)
	name := file(t, "spring.json", mailingFile)
	run := func(args ...string) result {
		return postmux(t, append([]string{"--config", cfg, "mailing", "run", name, "--list", "newsletter", "--max-recipients", "9", "--yes"}, args...)...)
	}
	require.Equal(t, exit.Done, run().code)
	require.Equal(t, exit.Done, postmux(t, "--config", cfg, "contacts", "unsubscribe", "u1@example.com").code)
	r := run()
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "2 messages: 2 done before")

	// The result of the last one is lost, as by a crash.
	results := strings.TrimSuffix(name, filepath.Ext(name)) + ".results.jsonl"
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	cut := 0
	for i, line := range lines {
		if strings.Contains(line, `"state":`) && strings.Contains(line, "u1@example.com") {
			cut = i
		}
	}
	require.NoError(t, os.WriteFile(results, []byte(strings.Join(lines[:cut], "")), 0o600))
	r = run()
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.out, "1 unknown")
	assert.Len(t, sb.Messages("brevo"), 2)
}
