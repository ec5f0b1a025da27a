package outcome

import "errors"

// ErrTooLarge is in the error of an answer that is larger than what is read of one. A
// listing asks for a smaller page then.
var ErrTooLarge = errors.New("answer over the cap")
