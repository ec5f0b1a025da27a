package httpx

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Auth is how an account proves itself: where a credential goes, and where it
// comes from. It acts on the call before encoding, so that a description of the
// call can be made with REDACTED in the credential's place.
type Auth struct {
	place func(call *rest.Call, credential string)
	// header and prefix are set too when the credential goes into a header field;
	// the name is in canonical form.
	header, prefix string
	// credential returns the credential to place. stale is the one that the vendor
	// refused with 401, empty at first.
	credential func(ctx context.Context, stale string) (string, error)
	// identity distinguishes accounts without holding a key: limits are shared by
	// all clients of one account.
	identity [sha256.Size]byte
	// unusable says that the key cannot stand in a header.
	unusable bool
	// secrets are taken out of all texts as the credential is, and may be that itself.
	secrets []string
	// renewable says that after a 401 one more request with a new credential makes
	// sense.
	renewable bool
}

// NoAuth is for calls that carry their credential, the secrets, in the body.
func NoAuth(secrets ...provider.Secret) Auth {
	return Auth{place: func(*rest.Call, string) {}, credential: fixed("")}.knowing(secrets)
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
	text := key.Reveal()
	return Auth{
		credential: fixed(text), identity: identityOf(text), secrets: []string{text},
		unusable: strings.ContainsFunc(text, unicode.IsControl),
	}
}

// Bearer sends a token that fetch gets and that expires. One fetch runs at a
// time however many calls wait for it; a 401 makes it fetch once more.
// account names whose token it is, such as the client id. secrets are those for which
// the token is got.
func Bearer(
	account string, fetch func(ctx context.Context) (token string, life time.Duration, err error),
	secrets ...provider.Secret,
) Auth {
	src := &tokenSource{fetch: fetch}
	a := Auth{credential: src.token, renewable: true, identity: identityOf(account)}
	return inHeader("Authorization", "Bearer ", a.knowing(secrets))
}

// knowing returns a with secrets that an answer may hold beside the credential.
func (a Auth) knowing(secrets []provider.Secret) Auth {
	for _, s := range secrets {
		a.secrets = append(a.secrets, s.Reveal())
	}
	return a
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
	return Auth{
		place: place, credential: fixed(token.Reveal()), identity: identityOf(token.Reveal()),
		secrets: []string{token.Reveal()},
	}
}

// placed returns a copy of the call with the credential in its place.
func (a *Auth) placed(call *rest.Call, credential string) *rest.Call {
	c := *call
	c.Header, c.Query, c.Form = slices.Clip(call.Header), slices.Clip(call.Query), slices.Clip(call.Form)
	a.place(&c, credential)
	return &c
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

func identityOf(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

func fixed(text string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return text, nil }
}
