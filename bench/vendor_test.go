package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func call(t *testing.T, v *vendor, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	v.handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// TestVendorCountsRows: the figure of the import stands on this count.
func TestVendorCountsRows(t *testing.T) {
	v := newVendor()
	for _, body := range []string{
		`{"jsonBody":[{"email":"a@example.com","attributes":{"CITY":"x"}},{"email":"b@example.com"}],"listIds":[4]}`,
		`{"fileBody":"EMAIL;CITY\na@example.com;x\nb@example.com;y\nc@example.com;z\n","listIds":[4]}`,
	} {
		assert.Equal(t, http.StatusAccepted, call(t, v, http.MethodPost, "/contacts-0/v3/contacts/import", body).Code)
	}
	call(t, v, http.MethodPost, "/contacts-0/v3/contacts", `{"email":"a@example.com"}`)
	assert.Equal(t, vendorCounts{Calls: 3, Rows: 6}, v.counts)
}

// TestVendorLimits: the eleventh hundredth call with versions within a minute is too many.
func TestVendorLimits(t *testing.T) {
	v := newVendor()
	versions := `{"messageVersions":[{},{}]}`
	for range 100 {
		require.Equal(t, http.StatusCreated, call(t, v, http.MethodPost, "/delay-0/v3/smtp/email", versions).Code)
	}
	assert.Equal(t, http.StatusTooManyRequests, call(t, v, http.MethodPost, "/delay-0/v3/smtp/email", versions).Code)
	assert.Equal(t, http.StatusCreated, call(t, v, http.MethodPost, "/delay-0/v3/smtp/email", `{"subject":"single"}`).Code)
	assert.Equal(t, vendorCounts{Calls: 102, Mails: 201, Limited: 1}, v.counts)
}

// TestVendorEnds: the last page of contacts is short, and the one after it empty.
func TestVendorEnds(t *testing.T) {
	v := newVendor()
	for offset, want := range map[string]int{"0": 1000, "2000": 500, "3000": 0} {
		w := call(t, v, http.MethodGet, "/contacts-2500/v3/contacts?limit=1000&offset="+offset, "")
		assert.Equal(t, want, strings.Count(w.Body.String(), `"email":`), offset)
		assert.Contains(t, w.Body.String(), `"count":2500`)
	}
}
