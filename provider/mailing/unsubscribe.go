package mailing

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	htmltemplate "html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Unsubscribe is the way out of a mailing: a link, a mail address or both; or None. They become
// the List-Unsubscribe fields of RFC 2369 and 8058, or a link in the body where the provider
// takes no such field.
type Unsubscribe struct {
	// Link is an https URL with {token} in its path or query, where a Handler answers:
	// "https://example.com/unsubscribe?t={token}". {token} names the recipient, signed with
	// Secret.
	Link string `json:"link,omitempty"`
	// Secret signs the tokens; at least 16 bytes that nobody can guess. Links in mails that
	// are out need it for as long as they are to work.
	Secret provider.Secret `json:"secret,omitzero"`
	// Mailto is an address, or a mailto URL, that takes mails to unsubscribe.
	Mailto string `json:"mailto,omitempty"`
	// None says that the mails have no way out, which only mail that nobody can decline may
	// lack. It excludes the others.
	None bool `json:"none,omitempty"`
}

const (
	placeholder = "{token}"
	secretLeast = 16
)

func (u *Unsubscribe) check() error {
	switch {
	case u.None && (u.Link != "" || u.Mailto != ""):
		return provider.Invalid("unsubscribe.none", "expected no link and no mailto beside it")
	case u.None:
		return nil
	case u.Link == "" && u.Mailto == "":
		return provider.Invalid("unsubscribe", "expected a way to unsubscribe: link (an https URL with {token}), mailto, or none: true")
	case u.Link != "" && strings.Count(u.Link, placeholder) != 1:
		return provider.Invalid("unsubscribe.link", "expected {token} once in the URL, which names the recipient")
	case u.Link != "" && len(u.Secret.Reveal()) < secretLeast:
		return provider.Invalid("unsubscribe.secret", "expected at least %d bytes that nobody can guess, to sign the links", secretLeast)
	}
	return nil
}

// of returns the way out for one recipient, and the fields of the header.
func (u *Unsubscribe) of(s Subscription) (way string, headers map[string]string, err error) {
	if u.None {
		return "", nil, nil
	}
	if u.Link != "" {
		way = strings.Replace(u.Link, placeholder, s.token(u.Secret), 1)
	}
	headers, err = provider.ListUnsubscribe(u.Mailto, way)
	if err != nil {
		return "", nil, provider.Invalid("unsubscribe", "%v", err)
	}
	if way == "" {
		way = strings.Trim(headers["List-Unsubscribe"], "<>")
	}
	return way, headers, nil
}

// Subscription is what a link to unsubscribe is about.
type Subscription struct {
	Email   string
	List    provider.Ref // zero: all mail
	Mailing string       // the name of the mailing whose mail had the link
}

var encoding = base64.RawURLEncoding.Strict()

// token is s, signed. It is no secret: who has the link can read the address.
func (s Subscription) token(secret provider.Secret) string {
	payload := strings.Join([]string{s.Email, s.List.ID, s.List.Alias, s.Mailing}, "\x00")
	return encoding.EncodeToString([]byte(payload)) + "." + encoding.EncodeToString(sum(secret, payload))
}

func sum(secret provider.Secret, payload string) []byte {
	h := hmac.New(sha256.New, []byte(secret.Reveal()))
	h.Write([]byte("postmux unsubscribe 1\x00" + payload))
	return h.Sum(nil)
}

// read is the Subscription of a token that one of secrets has signed.
func read(token string, secrets []provider.Secret) (Subscription, bool) {
	body, signature, ok := strings.Cut(token, ".")
	payload, err := encoding.DecodeString(body)
	given, err2 := encoding.DecodeString(signature)
	parts := strings.Split(string(payload), "\x00")
	if !ok || err != nil || err2 != nil || len(parts) != 4 {
		return Subscription{}, false
	}
	for _, secret := range secrets {
		if len(secret.Reveal()) >= secretLeast && hmac.Equal(given, sum(secret, string(payload))) {
			list := provider.Ref{ID: parts[1], Alias: parts[2]}
			return Subscription{Email: parts[0], List: list, Mailing: parts[3]}, true
		}
	}
	return Subscription{}, false
}

// Handler answers the links of mailings. It is to be served, by https, where Unsubscribe.Link
// leads; it finds the token in a value of the query or a part of the path.
//
//   - POST with the body List-Unsubscribe=One-Click (RFC 8058), from a mail program or the
//     button of the page, calls unsubscribe. When that returns nil, the answer is 200; else
//     503, and unsubscribe is told of nothing further: log the error there.
//   - GET and HEAD show a page with that button and change nothing: programs that look at mail
//     follow links.
//   - A link that none of secrets has signed is answered 403.
//
// No cookie, no session and no question is needed. unsubscribe gets the context of the request
// and may be called several times for one person, and at the same time. It is usually
//
//	_, err := client.Unsubscribe(ctx, s.Email, s.List, "link in "+s.Mailing)
//
// To change the secret, pass the old one and the new one, in any order. A secret of less
// than 16 bytes is ignored.
func Handler(unsubscribe func(context.Context, Subscription) error, secrets ...provider.Secret) http.Handler {
	return &handler{unsubscribe, secrets}
}

type handler struct {
	unsubscribe func(context.Context, Subscription) error
	secrets     []provider.Secret
}

// bodyMost is more than RFC 8058 needs, in either encoding of a form.
const bodyMost = 4 << 10

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, ok := h.subscription(r.URL)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		answer(w, http.StatusMethodNotAllowed, view{Text: "This page takes GET and POST."})
	case !ok:
		answer(w, http.StatusForbidden, view{Text: "This link is not valid. Please use the link of the mail, as it is there."})
	case r.Method != http.MethodPost:
		answer(w, http.StatusOK, view{Text: s.Email + " gets mail of this sender.", Button: true})
	default:
		r.Body = http.MaxBytesReader(w, r.Body, bodyMost)
		_ = r.ParseMultipartForm(bodyMost) // what is no form has no field
		if r.MultipartForm != nil {
			defer func() { _ = r.MultipartForm.RemoveAll() }() // nothing of this size is in a file
		}
		switch {
		case r.PostForm.Get("List-Unsubscribe") != "One-Click":
			answer(w, http.StatusBadRequest, view{Text: "Expected List-Unsubscribe=One-Click in a form.", Button: true})
		case h.unsubscribe(r.Context(), s) != nil:
			answer(w, http.StatusServiceUnavailable, view{Text: "That did not work. Please try again later.", Button: true})
		default:
			answer(w, http.StatusOK, view{Text: s.Email + " is unsubscribed."})
		}
	}
}

// subscription finds the token in the URL.
func (h *handler) subscription(u *url.URL) (Subscription, bool) {
	candidates := strings.Split(u.Path, "/")
	for _, values := range u.Query() {
		candidates = append(candidates, values...)
	}
	for _, token := range candidates {
		if s, ok := read(token, h.secrets); ok {
			return s, true
		}
	}
	return Subscription{}, false
}

type view struct {
	Text   string
	Button bool
}

var page = htmltemplate.Must(htmltemplate.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Unsubscribe</title></head><body><p dir="auto">{{.Text}}</p>
{{- if .Button}}
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>Unsubscribe</button></form>
{{- end}}
</body></html>
`))

func answer(w http.ResponseWriter, status int, v view) {
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		status = http.StatusInternalServerError
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer") // the URL names a person
	head.Set("X-Robots-Tag", "noindex")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // whoever asked may be gone
}
