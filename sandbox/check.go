package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// checkRequest returns the deviations of a request from the spec, and stores the
// decoded parts in c and rec.
func (rt *route) checkRequest(r *http.Request, c *call, rec *Request) []string {
	return append(rt.checkParameters(r, c), rt.checkBody(c, rec)...)
}

// freeKeys reports whether a query parameter is a map that is written as one
// parameter for each of its keys.
func freeKeys(p *openapi3.Parameter) bool {
	return p.Schema != nil && p.Schema.Value != nil && p.Schema.Value.AdditionalProperties.Schema != nil && (p.Style == "" || p.Style == openapi3.SerializationForm)
}

// queryNames are the parameters of the query that an operation has.
type queryNames struct {
	known    []string
	required map[string]bool
	free     bool // every name is a key of a map
	// deep has those with brackets; kin-openapi folds no lists, so they are checked as
	// forms in the query.
	deep *openapi3.Schema
}

func (rt *route) queryNames() queryNames {
	n := queryNames{
		known: slices.Clone(rt.keys), required: map[string]bool{},
		deep: &openapi3.Schema{Type: &openapi3.Types{openapi3.TypeObject}, Properties: openapi3.Schemas{}},
	}
	for _, ref := range rt.params {
		p := ref.Value
		if p.In != openapi3.ParameterInQuery {
			continue
		}
		n.required[p.Name] = p.Required
		switch {
		case p.Style == openapi3.SerializationDeepObject:
			n.deep.Properties[p.Name] = p.Schema
			if p.Required {
				n.deep.Required = append(n.deep.Required, p.Name)
			}
		case freeKeys(p):
			n.free = true
		default:
			n.known = append(n.known, p.Name)
		}
	}
	return n
}

// find returns the parameter that a name in the query belongs to, or "".
func (n queryNames) find(name string) string {
	if slices.Contains(n.known, name) {
		return name
	}
	return property(n.deep, name)
}

func (rt *route) checkParameters(r *http.Request, c *call) []string {
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: c.path, QueryParams: c.query,
		Options: &openapi3filter.Options{MultiError: true, SkipSettingDefaults: true},
	}
	var out []string
	names := rt.queryNames()
	deep := names.deep
	for _, ref := range rt.params {
		p := ref.Value
		if p.In == openapi3.ParameterInQuery && (p.Style == openapi3.SerializationDeepObject || freeKeys(p)) {
			continue
		}
		if err := openapi3filter.ValidateParameter(r.Context(), input, p); err != nil {
			for _, text := range problems(parameterCause(err)) {
				out = append(out, "parameter "+p.Name+": "+strings.TrimPrefix(text, "/: "))
			}
		}
	}
	var folded []Field
	for _, f := range parseQuery(r.URL.RawQuery) {
		switch {
		case names.free || slices.Contains(names.known, f.Name):
		case property(deep, f.Name) != "":
			folded = append(folded, f)
		default:
			out = append(out, "the spec has no parameter "+strconv.Quote(clip(f.Name, 100)))
		}
	}
	if len(deep.Properties) > 0 {
		var more []string
		c.form, more = fold(folded, deep)
		out = append(out, more...)
		out = append(
			out,
			problems(
				deep.VisitJSON(any(c.form), openapi3.MultiErrors(), openapi3.VisitAsRequest()),
			)...,
		)
	}
	return out
}

// parameterCause removes the wrapper, which would name the parameter again.
func parameterCause(err error) error {
	var re *openapi3filter.RequestError
	if errors.As(err, &re) && re.Err != nil {
		return re.Err
	}
	return err
}

func (rt *route) checkBody(c *call, rec *Request) []string {
	body := rt.op.RequestBody
	if body == nil {
		if len(c.body) > 0 {
			return []string{"the spec has no body"}
		}
		return nil
	}
	if len(c.body) == 0 {
		if body.Value.Required {
			return []string{"the body is missing"}
		}
		return nil
	}
	kind := mediaType(c.header)
	mt := body.Value.Content.Get(kind)
	if mt == nil {
		return []string{
			"the content type is not in the spec: " + strconv.Quote(clip(c.header.Get("Content-Type"), 100)),
		}
	}
	if kind != typeMultipart && kind != typeForm {
		return checkJSON(mt, c.body, openapi3.VisitAsRequest())
	}
	fields, err := parseForm(c.header.Get("Content-Type"), c.body)
	rec.Fields = fields
	if err != nil {
		return []string{"the form does not parse: " + clip(err.Error(), 200)}
	}
	schema := mt.Schema.Value
	value, out := fold(fields, schema)
	c.form = value
	return append(
		out,
		problems(
			schema.VisitJSON(any(value), openapi3.MultiErrors(), openapi3.VisitAsRequest()),
		)...,
	)
}
