package adapterkit

// Given is a parameter of a call, nil for an empty one.
func Given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
