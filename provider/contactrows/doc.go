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
// The fields of a Layout say what was recognised, so that a program can show it to a
// person. Nothing is guessed in silence, and nobody becomes a subscriber by a guess. A row
// with an unknown word about whether its person gets mail is refused. A file whose name or
// columns hint at people who left is not certain until Options.Status is set.
//
// A file is read in constant memory. The physical line at which each row begins, from 1,
// is Row.Line. A Layout may be used by several goroutines once it is made.
package contactrows
