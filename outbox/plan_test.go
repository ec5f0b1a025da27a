package outbox

import (
	"database/sql"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var planRows = flag.Int("plan.rows", 20_000, "rows of the table whose plans are looked at")

// fill stores n messages of the past, and due of ten accounts.
func fill(t testing.TB, s *Store, n, due int) {
	numbers := "generate_series(1, {1}) as g(n)"
	id := "gen_random_uuid()"
	if s.d == sqlite {
		numbers = "(with recursive c(n) as (select 1 union all select n + 1 from c where n < {1}) select n from c) as g"
		id = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6)))"
	}
	_, err := s.exec(t.Context(), s.own(), `
		insert into {message} (id, account, state, run_at, namespace, digest, rcpt, rcpts, format, vendor_id, created, changed)
		select `+id+`, 'account ' || (n % 10), case when n <= {2} then 'queued' else 'accepted' end, n, 'test', 'x',
			'r' || (n % 1000) || '@example.com', 1, 1, 'v' || n, n, n from `+numbers, n, due)
	require.NoError(t, err)
	_, err = s.exec(t.Context(), s.own(), "insert into {body} (id, message) select id, cast('{}' as "+map[bool]string{true: "blob", false: "bytea"}[s.d == sqlite]+") from {message}")
	require.NoError(t, err)
	if s.d == postgres {
		_, err = s.exec(t.Context(), s.own(), "analyze {message}")
		require.NoError(t, err)
		_, err = s.exec(t.Context(), s.own(), "analyze {body}")
	} else {
		_, err = s.exec(t.Context(), s.own(), "analyze")
	}
	require.NoError(t, err)
}

// No statement of a worker, of Enqueue or of a look at one message reads the whole table.
func TestPlans(t *testing.T) {
	notRaced(t)
	stores(t, func(t *testing.T, s *Store) {
		fill(t, s, *planRows, *planRows/10)
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		s.texts.Clear()
		m := mail("one")
		m.IdempotencyKey = "key"
		id, err := b.Enqueue(t.Context(), m, nil)
		require.NoError(t, err)
		_, err = b.Process(t.Context(), id)
		require.NoError(t, err)
		w, err := b.working(t.Context())
		require.NoError(t, err)
		_, _, err = s.queues(t.Context())
		require.NoError(t, err)
		list, err := w.claim(t.Context(), claimDue, "account 1", bodyFormat, 100)
		require.NoError(t, err)
		require.Len(t, list, 100)
		for kind := range kinds {
			_, err := s.apply(t.Context(), w.id, []*change{{ID: list[0].entry.ID, Attempt: 1, kind: kind, State: Accepted}})
			require.NoError(t, err)
		}
		_, err = s.sweep(t.Context())
		require.NoError(t, err)
		_, err = s.nextLookUp(t.Context())
		require.NoError(t, err)
		_, err = s.purge(t.Context(), "('accepted', 'scheduled')", 100*365*day)
		require.NoError(t, err)
		_, err = s.purge(t.Context(), "('refused', 'dead', 'canceled', 'dropped')", 0)
		require.NoError(t, err)
		require.NoError(t, w.leave())
		w.underWay.Done()
		for _, q := range []Query{{Recipient: "r7@example.com"}, {Account: "account 1", MessageID: "v7"}, {}, {Since: time.Now()}} {
			_, err := s.page(t.Context(), q, 1<<62, "ffffffff-ffff-ffff-ffff-ffffffffffff")
			require.NoError(t, err)
		}
		looked := 0
		s.texts.Range(func(text, rendered any) bool {
			if strings.Contains(text.(string), "{message}") || strings.Contains(text.(string), "{body}") || strings.Contains(text.(string), "{key}") {
				looked++
				plan := planOf(t, s, rendered.(statement).text)
				assert.NotRegexp(t, wholeTable, plan, text)
			}
			return true
		})
		assert.Greater(t, looked, 15)
		if s.d == postgres {
			return // it reads the worker's own rows once, if not those with the ids
		}
		for _, text := range applyTexts { // by another index the time would grow with the square of the changes
			assert.Contains(t, planOf(t, s, s.render(text, 2).text), "SEARCH m USING INDEX sqlite_autoindex_postmux_message_1 (id=?)")
		}
	})
}

// wholeTable is what the plans of both databases say when they read a whole table of
// messages. An index on some states is small.
var wholeTable = regexp.MustCompile(
	`(?m)Seq Scan on (outbox_\d+\.)?postmux_(message|body|key)|^SCAN (m|g|postmux_(message|body|key))$`,
)

var parameter = regexp.MustCompile(`[$?](\d+)`)

// planned counts the statements that were prepared.
var planned int

// planOf returns the plan of a statement for parameters that the database does not know.
func planOf(t *testing.T, s *Store, text string) string {
	most := 0
	for _, p := range parameter.FindAllStringSubmatch(text, -1) {
		most = max(most, number(p[1]))
	}
	conn, err := s.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	var rows *sql.Rows
	if s.d == sqlite {
		rows, err = conn.QueryContext(t.Context(), "explain query plan "+text, make([]any, most)...) //nolint:rowserrcheck // below
	} else {
		planned++
		name := fmt.Sprint("looked_", planned)
		for _, prepare := range []string{"set plan_cache_mode = force_generic_plan", "prepare " + name + " as " + text} {
			_, err := conn.ExecContext(t.Context(), prepare)
			require.NoError(t, err, prepare)
		}
		call := "explain execute " + name
		if most > 0 {
			call += "(" + strings.TrimSuffix(strings.Repeat("null, ", most), ", ") + ")"
		}
		rows, err = conn.QueryContext(t.Context(), call) //nolint:rowserrcheck // below
	}
	require.NoError(t, err, text)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var plan strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		require.NoError(t, rows.Scan(values...))
		fmt.Fprintln(&plan, *values[len(values)-1].(*any))
	}
	require.NoError(t, rows.Err())
	return plan.String()
}

// The time of a claim hardly depends on how many messages there are.
//
//	go test -run '^$' -bench Claim -plan.rows 1000000 ./outbox
func BenchmarkClaim(b *testing.B) {
	for _, dialect := range []struct {
		name string
		open func(testing.TB) *Store
	}{{"sqlite", sqliteStore}, {"postgres", postgresStore}} {
		for _, rows := range []int{10_000, *planRows} {
			b.Run(fmt.Sprint(dialect.name, "/", rows), func(b *testing.B) {
				s := dialect.open(b)
				fill(b, s, rows, rows/2)
				id, err := newID()
				require.NoError(b, err)
				w := &worker{box: &Box{store: s}, id: id, hand: hand{has: make(map[*claimed]bool)}, quit: b.Context()}
				require.NoError(b, s.begin(b.Context()))
				for b.Loop() {
					list, err := w.claim(b.Context(), claimDue, "account 1", bodyFormat, 128)
					require.NoError(b, err)
					require.Len(b, list, 128)
					b.StopTimer()
					require.NoError(b, w.leave())
					b.StartTimer()
				}
			})
		}
	}
}
