package flex

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInt(t *testing.T) {
	for text, want := range map[string]Int{`12`: 12, `"12"`: 12, `" 12 "`: 12, `""`: 0, `null`: 0, `-3`: -3, `1e3`: 1000, `"12.0"`: 12, `9007199254740993`: 9007199254740993, `false`: 0, `[]`: 0, `{ }`: 0} {
		var got Int
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{`"x"`, `1.5`, `{"a":1}`, `[0]`, `true`, `1e30`} {
		assert.Error(t, json.Unmarshal([]byte(text), new(Int)), text)
	}
}

func TestBool(t *testing.T) {
	for text, want := range map[string]Bool{`true`: true, `1`: true, `"1"`: true, `"yes"`: true, `"On"`: true, `false`: false, `0`: false, `"no"`: false, `""`: false, `null`: false, `[]`: false, `{}`: false} {
		got := !want
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{`2`, `"maybe"`, `[1]`} {
		assert.Error(t, json.Unmarshal([]byte(text), new(Bool)), text)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]Text{`"a"`: "a", `" a "`: " a ", `250`: "250", `12345678901234567890`: "12345678901234567890", `true`: "true", `null`: "", `{"a": 1}`: `{"a": 1}`, `[1]`: `[1]`, `false`: "", `[]`: "", `{}`: "", `[ ]`: "", `0`: "0"} {
		var got Text
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.Equal(t, want, got, text)
	}
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, text := range []string{`"2026-03-04T05:06:07Z"`, `"2026-03-04T08:36:07+03:30"`, `"2026-03-04T05:06:07+0000"`, `"2026-03-04 05:06:07"`, `1772600767`, `"1772600767"`} {
		var got Time
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.True(t, at.Equal(got.Time), "%s: %s", text, got.Time)
	}
	for _, text := range []string{`""`, `null`, `"27/07/20, 11:34 PM"`, `{"expression":"NOW()"}`, `0`, `"0"`, `false`, `[]`, `{}`, `"0000-00-00 00:00:00"`} {
		var got Time
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.True(t, got.Time.IsZero())
	}
	var odd Time
	require.NoError(t, json.Unmarshal([]byte(`"27/07/20"`), &odd))
	back, err := json.Marshal(odd)
	require.NoError(t, err)
	assert.Equal(t, `"27/07/20"`, string(back), "what cannot be read is kept as it came")
}

func TestObjectAndMap(t *testing.T) {
	type detail struct{ A int }
	var got struct {
		O Object[detail] `json:"o,omitzero"`
		M Map[int]       `json:"m,omitempty"`
	}
	for _, empty := range []string{`[]`, `[ ]`, `false`, `""`, `null`, `0`, `"0"`} {
		require.NoError(t, json.Unmarshal([]byte(`{"o":`+empty+`,"m":`+empty+`}`), &got), empty)
		assert.False(t, got.O.Set)
		assert.Empty(t, got.M)
	}
	back, err := json.Marshal(got)
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(back))
	require.NoError(t, json.Unmarshal([]byte(`{"o":{"A":1},"m":{"x":2}}`), &got))
	assert.Equal(t, Object[detail]{Value: detail{1}, Set: true}, got.O)
	assert.Equal(t, Map[int]{"x": 2}, got.M)
	assert.Error(t, json.Unmarshal([]byte(`{"o":[1]}`), &got))
}

func FuzzTypes(f *testing.F) {
	for _, seed := range []string{`12`, `"12"`, `[]`, `{"a":1}`, `"2026-01-02 15:04:05"`, `null`, `[`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v struct {
			I Int
			B Bool
			T Text
			W Time
			O Object[map[string]any]
			M Map[any]
		}
		for _, key := range []string{"I", "B", "T", "W", "O", "M"} {
			_ = json.Unmarshal([]byte(`{"`+key+`":`+string(data)+`}`), &v) // must not panic
		}
	})
}

func TestList(t *testing.T) {
	type thing struct{ ID int }
	for _, row := range []struct {
		name, data string
		want       List[thing]
	}{
		{"list", `[{"ID":1},{"ID":2}]`, List[thing]{{1}, {2}}},
		{"one object", `{"ID":1}`, List[thing]{{1}}},
		{"empty list", `[]`, nil},
		{"null", `null`, nil},
		{"false", `false`, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got List[thing]
			require.NoError(t, json.Unmarshal([]byte(row.data), &got))
			assert.Equal(t, row.want, got)
		})
	}
	var got List[thing]
	require.Error(t, json.Unmarshal([]byte(`"text"`), &got))
}
