package main

import "strings"

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
