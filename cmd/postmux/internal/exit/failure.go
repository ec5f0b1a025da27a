package exit

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Failure is the JSON document of an error.
type Failure struct {
	Error   failureError `json:"error"`
	Receipt any          `json:"receipt"`
}

// failureError is an error with the problems it consists of, when there are several.
type failureError struct {
	err      *provider.Error
	problems []Problem
}

// Problem is one of several things that are wrong with the configuration.
type Problem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (e failureError) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(e.err)
	if err != nil || len(e.problems) == 0 {
		return data, err
	}
	list, err := json.Marshal(e.problems)
	if err != nil {
		return nil, err
	}
	head := append(data[:len(data)-1:len(data)-1], `,"problems":`...)
	return append(append(head, list...), '}'), nil
}

// NewFailure returns the document of err, with the receipt that a Result carries.
func NewFailure(err error) Failure {
	doc := Failure{Error: failureError{err: ProviderError(err)}}
	doc.Error.problems = problems(doc.Error.err)
	var r *Result
	if errors.As(err, &r) {
		doc.Receipt = r.Receipt
	}
	return doc
}

// problems are the errors that e joins; none when e is a single one.
func problems(e *provider.Error) []Problem {
	joined, ok := e.Err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var out []Problem
	for _, err := range joined.Unwrap() {
		one, ok := errors.AsType[*provider.Error](err)
		if !ok {
			continue
		}
		if inner := problems(one); len(inner) > 0 {
			out = append(out, inner...)
			continue
		}
		out = append(out, Problem{one.Field, strings.TrimSpace(one.Message)})
	}
	return out
}

// Sentence is err for people. Whatever was stopped here ends in nothing, the words for
// what the command has not done: its errors may be of several operations.
func Sentence(err error, code int, nothing string) string {
	text := ownLines(strings.TrimSpace(words(err)))
	if code != Local {
		return text
	}
	for _, words := range []string{"nothing was sent by this call", "nothing was sent", "nothing was changed", "nothing was withdrawn", "no request was made"} {
		text = strings.TrimSuffix(text, "; "+words)
	}
	if strings.Contains(text, "\n") {
		return strings.TrimSpace(text) + "\n" + nothing
	}
	return text + "; " + nothing
}

// ownLines makes blanks of line breaks, but before a line that is indented, as those of
// the problems of a configuration or of a file are: others come from an argument or a name.
func ownLines(text string) string {
	first, rest, more := strings.Cut(text, "\n")
	for more {
		sep := "\n"
		if !strings.HasPrefix(rest, "  ") {
			sep = " "
		}
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		first += sep + line
	}
	return first
}

// words are those of err; a mistake on the command line or in the configuration
// is told without its kind.
func words(err error) string {
	var r *Result
	if errors.As(err, &r) && r.Code != 0 {
		return err.Error()
	}
	var e *provider.Error
	if !errors.As(err, &e) || e.Op != opUsage && e.Kind != provider.ErrConfig || e.Message == "" {
		return err.Error()
	}
	return ownWords(err, e)
}

// ownWords are the place and the message of e, which is in err.
func ownWords(err error, e *provider.Error) string {
	var parts []string
	if f, ok := errors.AsType[*FileError](err); ok {
		parts = append(parts, f.File)
	}
	if e.Field != "" {
		parts = append(parts, e.Field)
	}
	return strings.Join(append(parts, strings.TrimSpace(e.Message)), ": ")
}
