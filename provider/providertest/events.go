package providertest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider/events"
)

// EventGoldens reads each NAME.json of a folder by parse and compares the events with those
// of NAME.event.json. Another case is two more files; POSTMUX_UPDATE=1 writes the second.
func EventGoldens(t *testing.T, folder string, parse events.Parse) {
	bodies, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	cases := 0
	for _, path := range bodies {
		if strings.HasSuffix(path, ".event.json") {
			continue
		}
		cases++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			got, err := parse(body)
			require.NoError(t, err)
			rows, err := events.Rows(body)
			require.NoError(t, err)
			require.Len(t, got, len(rows), "rows in, events out")
			for i := range got {
				assert.JSONEq(t, string(rows[i]), string(got[i].Raw))
				got[i].Raw = nil
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			require.NoError(t, enc.Encode(got))
			golden := strings.TrimSuffix(path, ".json") + ".event.json"
			if os.Getenv("POSTMUX_UPDATE") != "" {
				require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String())
		})
	}
	assert.NotZero(t, cases, "no bodies in %s", folder)
}

// FuzzEvents gives parse any body, beginning with those of a folder: it never panics, rows
// in are events out, each has an ID, which is the same the second time, and a raw record
// that is JSON, and all of it can be written and read again.
func FuzzEvents(f *testing.F, folder string, parse events.Parse) {
	bodies, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(f, err)
	for _, path := range bodies {
		body, err := os.ReadFile(path)
		require.NoError(f, err)
		if !strings.HasSuffix(path, ".event.json") {
			f.Add(body)
		}
	}
	for _, body := range []string{"", "{}", "[]", "null", `"x"`, "{", "<html>", "[[", `[{"event":"delivered",}]`, `{"event":{"event":[]}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, wrong := events.Rows(body)
		list, err := parse(body)
		if (wrong == nil) != (err == nil) || len(rows) != len(list) {
			t.Fatalf("%d rows, %d events, %v, %v", len(rows), len(list), wrong, err)
		}
		twice, _ := parse(body)
		for i, e := range list {
			if e.ID == "" || e.ID != twice[i].ID || e.Kind == "" || e.Provider == "" || e.AtBasis == "" || !json.Valid(e.Raw) {
				t.Fatalf("%+v", e)
			}
			if e.At.IsZero() != (e.AtBasis == events.AtReceived) {
				t.Fatalf("time %v, basis %s", e.At, e.AtBasis)
			}
			e.State()
			e.Suppression()
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var back events.Event
			if err := json.Unmarshal(data, &back); err != nil || back.ID != e.ID || back.Kind != e.Kind {
				t.Fatalf("%v: %s", err, data)
			}
		}
	})
}

// BenchmarkEvents reads a batch of 500 of the event in a file, and decodes the same without
// types, in one run.
func BenchmarkEvents(b *testing.B, path string, parse events.Parse) {
	const batch = 500
	data, err := os.ReadFile(path)
	require.NoError(b, err)
	row := bytes.TrimSpace(data)
	if row[0] == '[' {
		row = bytes.TrimSpace(row[1 : len(row)-1])
	}
	body := append([]byte("["), bytes.Repeat(append(row, ','), batch)...)
	body[len(body)-1] = ']'
	b.Run("events", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			list, err := parse(body)
			if err != nil || len(list) != batch {
				b.Fatal(len(list), err)
			}
		}
		b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("untyped", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var list []map[string]any
			if err := json.Unmarshal(body, &list); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "events/s")
	})
}
