package provider

import (
	"fmt"
	"strings"
)

// checkID refuses ids that no provider gives: empty ones, and those that a
// server or a proxy could read as another path than the one meant.
func checkID(field, id string) error {
	if strings.TrimSpace(id) == "" {
		return Invalid(field, "expected an id")
	}
	if err := checkLine(field, id); err != nil {
		return err
	}
	for part := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return Invalid(field, "expected an id, got %q, which is a way through folders", clip(id))
		}
	}
	return nil
}

// checkCursor refuses what no page gave.
func checkCursor(cursor string) error { return checkLine("cursor", cursor) }

// checkChange refuses texts of a contact that would not arrive as they are.
func checkChange(change ContactChange) error {
	for field, c := range map[string]Change[string]{
		"phone": change.Phone, "external_id": change.ExternalID,
		"first_name": change.FirstName, "last_name": change.LastName,
	} {
		if err := checkLine(field, c.Value); err != nil {
			return err
		}
	}
	for name, v := range change.Fields {
		if err := checkLine("", name); err != nil {
			return AtField("fields."+quoted(name), err)
		}
		if err := checkFieldText(v); err != nil {
			return AtField("fields."+quoted(name), err)
		}
	}
	return nil
}

// checkFieldText checks the texts of a field's value, which may have several lines.
func checkFieldText(v any) error {
	switch v := v.(type) {
	case string:
		return checkText("", v)
	case []string:
		for i, x := range v {
			if err := checkText("", x); err != nil {
				return AtField(fmt.Sprintf("[%d]", i), err)
			}
		}
	case []any:
		for i, x := range v {
			if err := checkFieldText(x); err != nil {
				return AtField(fmt.Sprintf("[%d]", i), err)
			}
		}
	}
	return nil
}
