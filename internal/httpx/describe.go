package httpx

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/provider"
)

const (
	redacted    = "REDACTED"
	maxDescribe = 4 << 10
)

// dryRun shows the call instead of sending it.
func (c *Chain) dryRun(call *rest.Call) error {
	if _, _, err := c.request(context.Background(), call, redacted); err != nil {
		return invalidCall(err)
	}
	c.cfg.Env.DryRun(c.describe(call))
	return &provider.Error{Kind: provider.ErrDryRun, Outcome: provider.NotSent, Message: "the request is shown, not sent"}
}

// describe tells what the call sends. The credential never gets into it:
// REDACTED is put in its place before anything is written down.
func (c *Chain) describe(call *rest.Call) provider.Request {
	r := provider.Request{Method: call.Method, Then: call.Then, Headers: map[string]string{}}
	sent := c.placed(call, redacted)
	r.URL, _ = sent.URL(c.base)
	for _, h := range sent.Header {
		r.Headers[http.CanonicalHeaderKey(h.Name)] = h.Value
	}
	for name := range r.Headers {
		if name == "Authorization" {
			r.Headers[name] = "Bearer " + redacted
		}
	}
	if slices.Contains(c.cfg.Secretive, call.Operation) {
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

func (c *Chain) describeAnswer(call *rest.Call, a *Answer, credential string) provider.Answer {
	if a == nil {
		return provider.Answer{}
	}
	out := provider.Answer{Status: a.Status, Headers: map[string]string{}}
	for name, values := range a.Header {
		if name != "Set-Cookie" {
			out.Headers[name] = scrubText(strings.Join(values, ", "), credential)
		}
	}
	if slices.Contains(c.cfg.Secretive, call.Operation) {
		out.Body = redacted
		return out
	}
	out.Body = scrubText(string(a.Body[:min(len(a.Body), maxDescribe)]), credential)
	return out
}
