package contactfile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/xuri/excelize/v2"
)

const (
	// sheetMost is the most that a spreadsheet may have when it is unpacked. All of it is
	// in memory.
	sheetMost = 64 << 20
	// columnsMost is the most columns of a row: a few bytes of XML may claim 16,384.
	columnsMost = 1000
	filesMost   = 2000 // in the package
)

var (
	zipBegins = []byte("PK\x03\x04")
	oldBegins = []byte{0xd0, 0xcf, 0x11, 0xe0} // .xls, and .xlsx with a password
)

// saveAs is what to do about a spreadsheet that is not read.
const saveAs = "; save it as CSV"

// sheet is the first sheet of a spreadsheet.
type sheet struct {
	file *excelize.File
	name string
	of   int // sheets of the file
}

// openSheet opens the spreadsheet called name, whose first bytes are head.
func openSheet(name string, head []byte) (*sheet, error) {
	switch {
	case bytes.HasPrefix(head, oldBegins):
		return nil, errors.New("an old or locked spreadsheet is not read" + saveAs + " or as .xlsx without a password")
	case !bytes.HasPrefix(head, zipBegins):
		return nil, errors.New("expected a spreadsheet of the form .xlsx, found something else" + saveAs)
	}
	pack, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("the spreadsheet cannot be unpacked (%w)"+saveAs, err)
	}
	err = checkPack(pack.File)
	if closed := pack.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	f, err := excelize.OpenFile(name, excelize.Options{UnzipSizeLimit: sheetMost, UnzipXMLSizeLimit: sheetMost})
	if err != nil {
		return nil, fmt.Errorf("the spreadsheet cannot be read (%w)"+saveAs, err)
	}
	names := f.GetSheetList()
	if len(names) == 0 {
		_ = f.Close()
		return nil, errors.New("the spreadsheet has no sheet" + saveAs)
	}
	return &sheet{f, names[0], len(names)}, nil
}

// checkPack checks that the files of a package are whole, and not larger than they may be:
// the library that reads them takes one that is cut off for one that has ended.
func checkPack(files []*zip.File) error {
	left := int64(sheetMost)
	for i, f := range files {
		if i == filesMost || f.UncompressedSize64 > uint64(left) {
			return fmt.Errorf("the spreadsheet is larger than %d MB when it is unpacked"+saveAs, sheetMost>>20)
		}
		left -= int64(f.UncompressedSize64)
		if err := checkPart(f); err != nil {
			return fmt.Errorf("the spreadsheet is damaged (%w)"+saveAs, err)
		}
	}
	return nil
}

// checkPart reads a file of a package to its end. XML must be whole.
func checkPart(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	if strings.HasSuffix(strings.ToLower(f.Name), ".xml") {
		in := xml.NewDecoder(r)
		in.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
		for err == nil {
			_, err = in.Token()
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r) // which fails where there is more or less than f claims
	}
	return errors.Join(err, r.Close())
}

func (s *sheet) close() { _ = s.file.Close() }

// rows returns the rows of the sheet from its first.
func (s *sheet) rows() (*sheetRows, error) {
	shown, err := s.file.Rows(s.name)
	if err != nil {
		return nil, err
	}
	kept, err := s.file.Rows(s.name)
	if err != nil {
		_ = shown.Close()
		return nil, err
	}
	return &sheetRows{shown: shown, kept: kept}, nil
}

// sheetRows are the rows of a sheet, as a person sees them; but of a number that is shown
// shortened the digits that are kept.
type sheetRows struct {
	ctx         context.Context // nil: none
	shown, kept *excelize.Rows
	row         int
}

// shortened is a number that a spreadsheet shows without its last digits.
var shortened = regexp.MustCompile(`^-?[0-9]([.,][0-9]+)?E[+-]?[0-9]+$`)

// Next returns the cells of the next row, and its number in the sheet.
func (r *sheetRows) Next() ([]string, int, error) {
	if r.ctx != nil && r.ctx.Err() != nil {
		return nil, 0, r.ctx.Err()
	}
	if !r.shown.Next() || !r.kept.Next() {
		err := errors.Join(r.shown.Error(), r.kept.Error(), r.shown.Close(), r.kept.Close())
		if err == nil {
			err = io.EOF
		}
		return nil, 0, err
	}
	r.row++
	cells, err := r.shown.Columns()
	if err != nil {
		return nil, r.row, err
	}
	raw, err := r.kept.Columns(excelize.Options{RawCellValue: true})
	if err != nil {
		return nil, r.row, err
	}
	if len(cells) > columnsMost {
		return nil, r.row, fmt.Errorf("row %d of the sheet has more than %d columns"+saveAs, r.row, columnsMost)
	}
	for i := range cells {
		if i < len(raw) && shortened.MatchString(cells[i]) {
			cells[i] = raw[i]
		}
	}
	return cells, r.row, nil
}
