// Package contactrows reads files of contacts row by row, as other programs and providers
// write them: CSV with any usual delimiter and encoding, and lines of JSON. Tables of other
// forms, such as spreadsheets, come in as Records.
//
//	layout, err := contactrows.Recognize("export.csv", file, contactrows.Options{})
//	if err != nil {
//		return err // not readable at all
//	}
//	if err := layout.Certain(); err != nil {
//		return err // names what was only guessed, or is not known
//	}
//	if _, err := file.Seek(0, io.SeekStart); err != nil {
//		return err
//	}
//	for row, err := range layout.Rows(file) {
//		if problem, ok := errors.AsType[*contactrows.Problem](err); ok {
//			refused(row.Line, problem) // of this row alone
//			continue
//		}
//		if err != nil {
//			return err
//		}
//		store(row.Change)
//	}
//
// What a Layout has recognised it tells: its fields may be shown to a person. Nothing is
// guessed in silence, and nobody becomes a subscriber by a guess: a word of standing that
// is not known refuses the row, and a file that says it is of people who left has its
// standing asked for.
//
// A file is read in constant memory. The physical line at which each row begins, from 1,
// is Row.Line. A Layout may be used by several goroutines once it is made.
package contactrows
