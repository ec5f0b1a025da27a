package events

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/provider"
)

// leastSecret is the length of a secret at least, in bytes.
const leastSecret = 16

// Parse reads the body of a webhook. It gives an event for each row, of kind unknown for
// what it cannot read, and an error for a body that has no rows.
type Parse func(body []byte) ([]Event, error)

// Receiver is what the webhooks of one account need. Each adapter has a function that
// returns one, such as brevo.Receiver. It needs no API key.
type Receiver struct {
	Provider string
	// Secrets are accepted, all of them: to change one, accept both for 12 hours, because
	// events that a provider repeats come with the old one. Each has 16 bytes or more, and
	// letters, digits, - and _ only, so that it can stand in a URL.
	Secrets []provider.Secret
	// Bearer: the provider can send the secret in the header Authorization. Where it can, a
	// secret in a path, which stands in the logs of proxies, is the second choice.
	Bearer bool
	// URL is where the handler is reached, without the account; it serves to register
	// webhooks, and may be empty.
	URL string
	// Streams has a function for each form of webhooks that the provider has, by the name
	// that stands in the path ("bulk" and "smtp" at SendPulse); a provider with a single
	// form has the name "".
	Streams map[string]Parse
}

// Verify reports whether a request brings one of the secrets: as a bearer token, else as
// the last part of its path. It is false without secrets. The comparison takes the same
// time whatever is wrong.
func Verify(r *http.Request, secrets ...provider.Secret) bool {
	came, _ := credential(r)
	return verify(came, digests(secrets))
}

// credential is what a request brings as a secret, and whether it is part of the path.
func credential(r *http.Request) (came string, inPath bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
		return token, false
	}
	parts := segments(r.URL)
	if len(parts) == 0 {
		return "", true
	}
	return parts[len(parts)-1], true
}

// segments are the parts of a path between slashes. A slash that is written %2F is part of
// one, and .. is a name as any other.
func segments(u *url.URL) []string {
	parts := strings.FieldsFunc(u.EscapedPath(), func(r rune) bool { return r == '/' })
	for i, p := range parts {
		if plain, err := url.PathUnescape(p); err == nil {
			parts[i] = plain
		}
	}
	return parts
}

func digests(secrets []provider.Secret) [][sha256.Size]byte {
	var out [][sha256.Size]byte
	for _, s := range secrets {
		if !s.IsZero() {
			out = append(out, sha256.Sum256([]byte(s.Reveal())))
		}
	}
	return out
}

// compare is one comparison; tests count them.
var compare = subtle.ConstantTimeCompare

// verify compares what came with each of the secrets, without an early end.
func verify(came string, accepted [][sha256.Size]byte) bool {
	sum := sha256.Sum256([]byte(came))
	equal := 0
	for i := range accepted {
		equal |= compare(sum[:], accepted[i][:])
	}
	return equal == 1
}

// problem says what is wrong with a receiver; empty when nothing is.
func (r Receiver) problem() string {
	switch {
	case len(r.Streams) == 0:
		return "the receiver has no reader; each adapter has a function that returns a receiver"
	case len(r.Secrets) == 0:
		return "expected at least one secret"
	}
	for _, s := range r.Secrets {
		if why := secretProblem(s.Reveal()); why != "" {
			return why
		}
	}
	return ""
}

func secretProblem(secret string) string {
	switch {
	case len(secret) < leastSecret:
		return "a secret has 16 characters or more"
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}):
		return "a secret has letters, digits, - and _ only: it may stand in a URL"
	}
	return ""
}

// streams are the names of the streams in alphabetical order.
func (r Receiver) streams() []string {
	var out []string
	for name := range r.Streams {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// At returns r with the address of the handler.
func (r Receiver) At(address string) Receiver {
	r.URL = address
	return r
}

// AddressOf is where webhooks of an account and a stream go, of a handler that is reached at
// base. It holds the first secret where the provider has no other place for it.
func (r Receiver) AddressOf(base, account, stream string) provider.Secret {
	out := strings.TrimSuffix(base, "/") + "/" + account
	if _, own := r.Streams[stream]; own && stream != "" {
		out += "/" + stream
	}
	if !r.Bearer && len(r.Secrets) > 0 {
		out += "/" + r.Secrets[0].Reveal()
	}
	return provider.NewSecret(out)
}
