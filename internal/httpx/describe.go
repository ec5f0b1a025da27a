package httpx

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// maxDescribe caps what is shown of a body, in bytes.
const maxDescribe = 4 << 10

// describer describes requests and answers for dry runs and hooks.
type describer struct {
	base      string
	auth      Auth
	secretive []string // operations whose bodies are never described
}

// request describes what the call sends. It never holds the credential: REDACTED is
// put in its place before anything is encoded, and where else it stands, in the text of a
// message or in an id, it is taken out.
func (d *describer) request(call *rest.Call, secrets *scrub.Scrubber) provider.WireRequest {
	r := d.asItIs(call)
	r.URL, r.JSON = secrets.Text(r.URL), secrets.JSON(r.JSON)
	for name, value := range r.Headers {
		r.Headers[name] = secrets.Text(value)
	}
	for _, fields := range [][]provider.FormField{r.Form, r.Parts} {
		for i := range fields {
			f := &fields[i]
			f.Name, f.Value, f.FileName = secrets.Text(f.Name), secrets.Text(f.Value), secrets.Text(f.FileName)
		}
	}
	return r
}

func (d *describer) asItIs(call *rest.Call) provider.WireRequest {
	r := provider.WireRequest{Method: call.Method, Then: call.Then, Headers: map[string]string{}}
	sent := d.auth.placed(call, redacted)
	r.URL, _ = sent.URL(d.base)
	for _, h := range sent.Header {
		r.Headers[http.CanonicalHeaderKey(h.Name)] = h.Value
	}
	for name := range r.Headers {
		if name == "Authorization" {
			r.Headers[name] = "Bearer " + redacted
		}
	}
	if slices.Contains(d.secretive, call.Operation) {
		r.JSON = []byte(`"` + redacted + `"`)
		return r
	}
	switch sent.Kind {
	case rest.JSON:
		r.Headers["Content-Type"] = "application/json"
		r.JSON, _, _ = sent.Encode()
	case rest.Formdata, rest.Multipart:
		fields := formFields(sent)
		isFile := func(f provider.FormField) bool { return f.FileName != "" || f.Bytes > 0 }
		if sent.Kind == rest.Multipart || slices.ContainsFunc(fields, isFile) {
			r.Headers["Content-Type"], r.Parts = "multipart/form-data", fields
		} else {
			r.Headers["Content-Type"], r.Form = "application/x-www-form-urlencoded", fields
		}
	}
	return r
}

func formFields(call *rest.Call) []provider.FormField {
	fields, err := call.FormFields()
	if err != nil {
		return nil
	}
	out := make([]provider.FormField, len(fields))
	for i, f := range fields {
		out[i] = provider.FormField{Name: f.Name, Value: f.Value}
		if f.File != nil {
			out[i].FileName, out[i].ContentType, out[i].Bytes = f.File.Name, f.File.ContentType, len(f.File.Content)
		}
	}
	return out
}

// answer describes an answer; a is nil when none came.
func (d *describer) answer(call *rest.Call, a *Answer, secrets *scrub.Scrubber) provider.WireResponse {
	if a == nil {
		return provider.WireResponse{}
	}
	out := provider.WireResponse{Status: a.Status, Headers: map[string]string{}}
	for name, values := range a.Header {
		if name != "Set-Cookie" {
			out.Headers[secrets.Text(name)] = secrets.Text(strings.Join(values, ", "))
		}
	}
	if slices.Contains(d.secretive, call.Operation) {
		out.Body = redacted
		return out
	}
	body := secrets.Text(string(a.Body))                                   // before the cut, which would hide a part of a key
	out.Body = strings.ToValidUTF8(body[:min(len(body), maxDescribe)], "") // no half letter
	return out
}
