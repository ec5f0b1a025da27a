package httpx

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/sync/singleflight"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/provider"
)

// Auth is how an account proves itself: where a credential goes, and where it
// comes from. It acts on the call before encoding, so that a description of the
// call can be made with REDACTED in the credential's place.
type Auth struct {
	place func(call *rest.Call, credential string)
	// header and prefix say the same of a credential that is a header field,
	// whose name is canonical; empty for others.
	header, prefix string
	// credential returns what to place. stale is the one that was answered
	// with 401, empty at first.
	credential func(ctx context.Context, stale string) (string, error)
	// identity tells accounts apart without holding a key: limits are shared by
	// all clients of one account.
	identity [sha256.Size]byte
	// unusable says that the key cannot stand in a header.
	unusable bool
	// renewable says that a 401 is worth one more try with a new credential.
	renewable bool
}

// NoAuth is for calls that carry their credential in the body.
func NoAuth() Auth {
	return Auth{place: func(*rest.Call, string) {}, credential: fixed("")}
}

// HeaderKey sends the key in a header field.
func HeaderKey(name string, key provider.Secret) Auth {
	return inHeader(name, "", keyAuth(key))
}

// BearerKey sends a key that does not expire as a bearer token.
func BearerKey(key provider.Secret) Auth {
	return inHeader("Authorization", "Bearer ", keyAuth(key))
}

func keyAuth(key provider.Secret) Auth {
	return Auth{credential: fixed(key.Reveal()), identity: identityOf(key.Reveal()), unusable: strings.ContainsFunc(key.Reveal(), unicode.IsControl)}
}

// Bearer sends a token that fetch gets and that expires. One fetch runs at a
// time however many calls wait for it; a 401 makes it fetch once more.
// account names whose token it is, such as the client id.
func Bearer(account string, fetch func(ctx context.Context) (token string, life time.Duration, err error)) Auth {
	src := &tokenSource{fetch: fetch}
	return inHeader("Authorization", "Bearer ", Auth{credential: src.token, renewable: true, identity: identityOf(account)})
}

// FormToken sends the token as a field of the form or of the JSON object, or of
// the query when the call has no body.
func FormToken(name string, token provider.Secret) Auth {
	place := func(call *rest.Call, credential string) {
		p := rest.Param{Name: name, Value: credential}
		switch call.Kind {
		case "":
			call.Query = append(call.Query, p)
		case rest.JSON:
			call.Body = withField{call.Body, p}
		default:
			call.Form = append(call.Form, p)
		}
	}
	return Auth{place: place, credential: fixed(token.Reveal()), identity: identityOf(token.Reveal())}
}

// withField is a JSON object with one more field.
type withField struct {
	body  any
	field rest.Param
}

func (w withField) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(w.body)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	fields[w.field.Name] = w.field.Value
	return json.Marshal(fields)
}

// inHeader completes a: the credential goes into a header field.
func inHeader(name, prefix string, a Auth) Auth {
	a.header, a.prefix = http.CanonicalHeaderKey(name), prefix
	a.place = func(call *rest.Call, credential string) {
		call.Header = append(call.Header, rest.Param{Name: name, Value: prefix + credential})
	}
	return a
}

func fixed(text string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return text, nil }
}

// tokenSource keeps one token and fetches the next one early.
type tokenSource struct {
	fetch  func(ctx context.Context) (string, time.Duration, error)
	flight singleflight.Group
	mu     sync.Mutex
	value  string
	renew  time.Time
}

func (s *tokenSource) token(ctx context.Context, stale string) (string, error) {
	if value, ok := s.good(stale); ok {
		return value, nil
	}
	// The fetch serves all who wait, so it must not end with the context of
	// the one who came first; the transport bounds it in time.
	ch := s.flight.DoChan("", func() (any, error) {
		if value, ok := s.good(stale); ok {
			return value, nil // another flight landed since the look above
		}
		value, life, err := s.fetch(context.WithoutCancel(ctx))
		if err != nil {
			return "", err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.value, s.renew = value, time.Now().Add(life*8/10)
		return value, nil
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-ch:
		value, _ := r.Val.(string)
		return value, r.Err
	}
}

// good returns the kept token, and whether it is of use.
func (s *tokenSource) good(stale string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.value != "" && s.value != stale && time.Now().Before(s.renew)
}
