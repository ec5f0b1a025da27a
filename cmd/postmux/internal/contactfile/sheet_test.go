package contactfile

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// spreadsheet is a .xlsx with these cells, whose sheet is sheet when that is not empty.
func spreadsheet(t *testing.T, cells map[string]any, sheet string, claim uint64) string {
	t.Helper()
	f := excelize.NewFile()
	for at, v := range cells {
		require.NoError(t, f.SetCellValue("Sheet1", at, v))
	}
	b, err := f.WriteToBuffer()
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "a.xlsx")
	if sheet == "" {
		require.NoError(t, os.WriteFile(name, b.Bytes(), 0o600))
		return name
	}
	in, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range in.File {
		if part.Name != "xl/worksheets/sheet1.xml" {
			require.NoError(t, w.Copy(part))
			continue
		}
		var packed bytes.Buffer
		z, err := flate.NewWriter(&packed, flate.BestSpeed)
		require.NoError(t, err)
		_, err = z.Write([]byte(sheet))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		if claim == 0 {
			claim = uint64(len(sheet))
		}
		raw, err := w.CreateRaw(&zip.FileHeader{
			Name: part.Name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(sheet)), CompressedSize64: uint64(packed.Len()), UncompressedSize64: claim,
		})
		require.NoError(t, err)
		_, err = raw.Write(packed.Bytes())
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(name, out.Bytes(), 0o600))
	return name
}

// sheetXML is a sheet with these rows.
func sheetXML(rows string) string {
	return `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + rows + `</sheetData></worksheet>`
}

func cell(at, text string) string {
	return `<c r="` + at + `" t="inlineStr"><is><t>` + text + `</t></is></c>`
}

// Cells are as a person sees them, but for numbers that are shown shortened; rows have the
// number that the spreadsheet shows.
func TestSheet(t *testing.T) {
	name := spreadsheet(t, map[string]any{
		"A1": "email", "B1": "phone", "C1": "field.POINTS", "D1": "field.VIP", "E1": "field.LONG",
		"A2": "a@example.com", "B2": 375291234567, "C2": 0.5, "D2": true, "E2": 1234567890123456,
		"A5": "b@example.com",
	}, "", 0)
	in, err := OpenInput(t.Context(), nil, name, contactrows.Options{})
	require.NoError(t, err)
	defer in.Close()
	require.NoError(t, in.Layout.Certain())
	assert.Equal(t, 2, in.Total())
	for range 2 { // as often as wanted
		var rows []contactrows.Row
		for row, err := range in.Rows() {
			require.NoError(t, err)
			row.Cells = nil
			rows = append(rows, row)
		}
		assert.Equal(t, []contactrows.Row{
			{Line: 2, Change: provider.ContactChange{Email: "a@example.com", Phone: provider.ChangeTo("375291234567"), Fields: map[string]any{"POINTS": "0.5", "VIP": "TRUE", "LONG": "1234567890123456"}}},
			{Line: 5, Change: provider.ContactChange{Email: "b@example.com"}},
		}, rows)
	}
}

// That a file has further sheets is told.
func TestSheetOfSeveral(t *testing.T) {
	f := excelize.NewFile()
	require.NoError(t, f.SetCellValue("Sheet1", "A1", "email"))
	_, err := f.NewSheet("Others")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "a.xlsx")
	require.NoError(t, f.SaveAs(name))
	in, err := OpenInput(t.Context(), nil, name, contactrows.Options{})
	require.NoError(t, err)
	defer in.Close()
	assert.Equal(t, "Sheet1", in.Sheet())
}

// What would take memory or time without end is refused, with what to do instead.
func TestSheetRefused(t *testing.T) {
	big := sheetXML(strings.Repeat(`<row r="1">`+cell("A1", strings.Repeat("x", 1000))+`</row>`, 100))
	plain := func(text string) string {
		name := filepath.Join(t.TempDir(), "a.xlsx")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	many := filepath.Join(t.TempDir(), "many.xlsx")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range filesMost + 1 {
		_, err := w.Create(fmt.Sprint(i))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(many, b.Bytes(), 0o600))
	for _, tc := range []struct{ name, file, want string }{
		{name: "unpacked it is large", file: spreadsheet(t, nil, big, sheetMost+1), want: "larger than 64 MB when it is unpacked; save it as CSV"},
		{name: "it claims more than there is", file: spreadsheet(t, nil, sheetXML(""), 1<<40), want: "larger than 64 MB"},
		{name: "it claims less than there is", file: spreadsheet(t, nil, big, 1000), want: "the spreadsheet is damaged"},
		{name: "a sheet that breaks off", file: spreadsheet(t, nil, sheetXML(`<row r="1">` + cell("A1", "email") + `</row><row r="2">` + cell("A2", "a@example.com") + `</row><row r="3"><c`)[:275], 0), want: "the spreadsheet is damaged"},
		{name: "a sheet of broken XML", file: spreadsheet(t, nil, sheetXML(`<row r="1">`+cell("A1", "email")+`</row><row r="2">`+cell("A2", "a@example.com")+`</row></oops><row r="3">`+cell("A3", "b@example.com")+`</row>`), 0), want: "the spreadsheet is damaged"},
		{name: "many files", file: many, want: "larger than 64 MB"},
		{name: "wide", file: spreadsheet(t, nil, sheetXML(`<row r="1">`+cell("A1", "email")+`</row><row r="2">`+cell("XFD2", "x")+`</row>`), 0), want: "row 2 of the sheet has more than 1000 columns; save it as CSV"},
		{name: "old", file: plain("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on"), want: "an old or locked spreadsheet is not read; save it as CSV"},
		{name: "no spreadsheet", file: plain("email\na@example.com\n"), want: "expected a spreadsheet of the form .xlsx"},
		{name: "torn", file: plain("PK\x03\x04 and so on"), want: "cannot be unpacked"},
		{name: "empty", file: spreadsheet(t, nil, "", 0), want: "found an empty file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			in, err := OpenInput(t.Context(), nil, tc.file, contactrows.Options{})
			runtime.ReadMemStats(&after)
			if err == nil {
				in.Close()
			}
			require.ErrorIs(t, err, provider.ErrInvalid)
			assert.ErrorContains(t, err, tc.want)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
		})
	}
	_, err := OpenInput(t.Context(), strings.NewReader("PK\x03\x04 and so on\n"), "-", contactrows.Options{})
	assert.ErrorContains(t, err, "a spreadsheet cannot be read from stdin")
}
