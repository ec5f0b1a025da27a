package contactfile

import "strings"

// guard writes a cell so that no spreadsheet takes it for a formula: with a '
// before it, but for plain phone numbers.
func guard(cell string) string {
	bare := strings.TrimLeft(cell, "'")
	if !startsFormula(bare) || bare == cell && plainPhone(cell) {
		return cell
	}
	return "'" + cell
}

// unguard takes off the ' that stands before a cell which a spreadsheet would
// read as a formula. Exports write it there, and people do before a phone number.
func unguard(cell string) string {
	if strings.HasPrefix(cell, "'") && startsFormula(strings.TrimLeft(cell, "'")) {
		return cell[1:]
	}
	return cell
}

// startsFormula reports whether a spreadsheet takes the cell for a formula.
func startsFormula(cell string) bool {
	return cell != "" && strings.IndexByte("=@\t\r+-", cell[0]) >= 0
}

func plainPhone(cell string) bool {
	return len(cell) > 1 && cell[0] == '+' && strings.Trim(cell[1:], "0123456789") == ""
}
