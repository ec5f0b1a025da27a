package mailing

// LookEach makes looks more frequent than each thousand, and returns what undoes that.
func LookEach(n int) (undo func()) {
	before := thousand
	thousand = n
	return func() { thousand = before }
}
