package specrules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// good breaks no rule.
const good = `openapi: 3.1.0
info: {title: a vendor, version: "1", description: Mails.}
servers:
  - url: https://api.example.com/v3
security: []
paths:
  /things/{id}:
    post:
      operationId: updateThing
      summary: Changes a thing.
      description: Nothing else is known of it.
      tags: [things]
      x-effect: upsert
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer, format: int64}}
        - {name: deep, in: query, description: Whether below too., schema: {type: string, enum: ["yes", "no"]}}
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/ThingRequest'}
            example: {name: a thing, colour: red}
      responses:
        '200':
          description: the thing
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              example: {id: 5, name: 5, password: "0123", status: new, owner: {id: 1}}
        default:
          description: a failure
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Error'}
components:
  schemas:
    ThingRequest:
      type: object
      properties:
        name: {type: string}
        'name[first]': {type: string, x-go-name: FirstName}
        colour: {type: string, enum: [red, green]}
    Thing:
      type: object
      x-answer: true
      properties:
        id: {type: integer, format: int64}
        name: {type: [string, integer], x-go-type: flex.Text, x-go-type-import: {path: example.com/flex}}
        password: {type: string, format: password}
        status: {type: string}
        mail: {type: string, format: email}
        owner: {$ref: '#/components/schemas/Owner'}
    Owner:
      type: object
      x-answer: true
      properties:
        id: {type: integer, format: int64}
    Error:
      type: object
      x-answer: true
      properties:
        message: {type: string}
`

// A change breaks one rule of good.
type change struct{ old, new, where, found string }

// breaks has, for each rule, changes that break it. A rule without one fails the test.
var breaks = map[string][]change{
	"the document is OpenAPI 3.1.0": {{"3.1.0", "3.1.1", "", "3.1.1"}},
	"the document is valid and every example fits its schema": {
		{"colour: red}", "colour: blue}", "POST /things/{id} updateThing", "colour"},
		{"name: a thing,", "name: 7,", "", "string"},
		{"{id: 5, name: 5,", "{id: five, name: 5,", "", "integer"},
		{"{id: 5, name: 5,", "{id: 5, name: [5],", "", "string, integer"}, // a type list of OpenAPI 3.1
		{"owner: {id: 1}", "owner: {id: x}", "", "integer"},
		{"name: id, in: path, required: true", "name: nr, in: path, required: true", "", "id"},
		{"    post:", "    pots:", "/things/{id}", "pots"},
		{"        name: {type: string}\n", "        name: {type: text}\n", "", "text"},
	},
	"one server by https, without a slash at its end": {
		{".com/v3", ".com/v3/", "", "v3/"},
		{"https:", "http:", "", "http:"},
		{"  - url: https://api.example.com/v3", "  - url: https://api.example.com/v3\n  - url: https://b.example.com", "", "2 servers"},
	},
	"info has a title and a description, the package comment of the client": {
		{", description: Mails.", "", "", "a text is missing"},
		{"title: a vendor", `title: ""`, "", "a text is missing"},
	},
	"no path holds the server's host or version": {
		{"/things/{id}", "/v3/things/{id}", "/v3/things", "https://api.example.com/v3/v3/things"},
		{"/things/{id}", "/api.example.com/things/{id}", "things", "api.example.com"},
	},
	"an operationId stands once": {{"paths:\n", "paths:\n  /more:\n    get: {operationId: UpdateThing, responses: {'204': {description: done}}}\n", "", "also"}},
	"a path begins with a slash; its segments are words or one parameter": {
		{"/things/{id}", "/things//{id}", "POST /things//{id} updateThing", "//"},
		{"/things/{id}", "/things/x{id}", "", "x{id}"},
	},
	"path parameters are declared, required texts or whole numbers": {
		{
			"{name: id, in: path, required: true, schema: {type: integer, format: int64}}",
			"{name: id, in: path, required: true, schema: {type: array, items: {type: string}}}", "updateThing", "id is neither",
		},
		{"in: path, required: true", "in: path", "updateThing", "id is not required"},
		{"/things/{id}", "/things/{nr}", "", "nr is not declared"},
		{"/things/{id}", "/things", "", "id is not in the path"},
	},
	"query and header parameters have a description": {{"description: Whether below too., ", "", "updateThing", "query deep"}},
	"the operationId is lowerCamelCase, a known verb first": {
		{"updateThing", "update_thing", "", "update_thing"}, {"updateThing", "thingUpdate", "", "thingUpdate"}, {"updateThing", "UpdateThing", "", "UpdateThing"},
	},
	"one tag":                          {{"tags: [things]", "tags: [things, more]", "updateThing", "more"}, {"      tags: [things]\n", "", "updateThing", "[]"}},
	"a summary of less than 120 bytes": {{"summary: Changes a thing.", "summary: " + strings.Repeat("long ", 30), "updateThing", "long"}, {"      summary: Changes a thing.\n", "", "updateThing", "nothing"}},
	"x-effect is read, upsert or send": {{"x-effect: upsert", "x-effect: write", "updateThing", "write"}, {"      x-effect: upsert\n", "", "updateThing", "nothing"}},
	"a call that must not be repeated has a description, which says what a repeat does": {
		{"description: Nothing else is known of it.\n      tags: [things]\n      x-effect: upsert", "tags: [things]\n      x-effect: send", "POST /things/{id}", "without a description"},
	},
	"what the text calls deprecated is marked deprecated": {{"Nothing else is known of it.", "Deprecated.", "updateThing", "Changes"}},
	"an answer of success":                                {{"'200':", "'404':", "updateThing", "404"}},
	"a documented error":                                  {{"        default:", "        '201':", "updateThing", "[200 201]"}},
	"an example of the request, in every content type":    {{"            example: {name: a thing, colour: red}\n", "", "updateThing", "application/json"}},
	"an example of every successful answer": {
		{`              example: {id: 5, name: 5, password: "0123", status: new, owner: {id: 1}}` + "\n", "", "updateThing", "200 application/json"},
	},
	"schemas of bodies are named": {
		{"schema: {$ref: '#/components/schemas/Error'}", "schema: {type: object, properties: {x: {type: string}}}", "updateThing", "default"},
		{"schema: {$ref: '#/components/schemas/Error'}", "schema: {type: array, items: {type: object, properties: {x: {type: string}}}}", "updateThing", "items"},
	},
	"a body with a method that has one": {{"    post:", "    get:", "GET /things/{id}", "GET with a body"}},
	"no oneOf, no anyOf":                {{"status: {type: string}", "status: {oneOf: [{type: string}, {type: integer}]}", "schema Thing.status", "a union"}},
	"a type list has a Go type, or is one type and null": {
		{"status: {type: string}", "status: {type: [string, integer]}", "schema Thing.status", "integer"},
		{"status: {type: string}", "status: {type: array, items: {type: [string, integer]}}", "schema Thing.status[]", "integer"},
	},
	"a Go type of another package has its import": {
		{"path: example.com/flex", "path: example.com/rest", "schema Thing.name", "flex.Text"}, {", x-go-type-import: {path: example.com/flex}", "", "schema Thing.name", "flex.Text"},
	},
	"objects below are named": {
		{"status: {type: string}", "status: {type: object, properties: {x: {type: string}}}", "schema Thing", "status"},
		{"status: {type: string}", "status: {allOf: [{type: object, properties: {x: {type: string}}}]}", "schema Thing", "allOf"},
		{"status: {type: string}", "status: {type: object, additionalProperties: {type: object, properties: {x: {type: string}}}}", "schema Thing", "status"},
	},
	"a whole number that is an id is int64":     {{"id: {type: integer, format: int64}\n    Error", "user_id: {type: integer}\n    Error", "schema Owner", "user_id"}},
	"e-mail addresses are texts":                {{"mail: {type: string,", "mail: {type: integer,", "schema Thing.mail", "integer"}},
	"a bracketed name has an x-go-name":         {{", x-go-name: FirstName", "", "schema ThingRequest", "name[first]"}},
	"a schema of answers has x-answer: true":    {{"    Owner:\n      type: object\n      x-answer: true\n", "    Owner:\n      type: object\n", "schema Owner", "no x-answer"}},
	"a schema of requests has no x-answer":      {{"ThingRequest:\n", "ThingRequest:\n      x-answer: true\n", "schema ThingRequest", "x-answer"}},
	"an enum of answers is open":                {{"status: {type: string}", "status: {type: string, enum: [new]}", "schema Thing.status", "1 values"}},
	"a secret in an answer has format password": {{"password: {type: string, format: password}", "password: {type: string}", "schema Thing", "password"}},
	"no format password in a request":           {{"name: {type: string}", "name: {type: string, format: password}", "schema ThingRequest.name", "password"}},
	"extensions are known ones":                 {{"x-effect:", "x-efect:", "POST /things/{id}, line 13", "x-efect"}, {"x-answer: true", "x-anser: true", "schema Thing, line", "x-anser"}},
	"yes, no, on, off and numbers with leading zeros are quoted": {
		{`"0123"`, "0123", "POST /things/{id}, line 28", "0123"}, {`["yes", "no"]`, `["yes", no]`, "POST /things/{id}, line 16", "no"},
	},
	"nothing is left to be written": {
		{"summary: Changes a thing.", "summary: TODO", "POST /things/{id}", "TODO"},
		{"summary: Changes a thing.", "summary: 'TODO: in our own words'", "POST /things/{id}", "TODO: in our own words"},
	},
	"no sentence is copied": {
		{"Nothing else is known of it.", "Use this call when you want to change the name that a thing has, and only then.", "POST /things/{id}, line 11", "to change the name that a thing has and only"},
		{"Nothing else", "|-\n        # " + sentence + "\n        Nothing else", "", "you want to"},
	},
}

const sentence = "When you want to change the name that a thing has and only then, call it."

func TestRulesFind(t *testing.T) {
	copied := NewPhrases(sentence)
	require.Empty(t, CheckSpec("good.yaml", []byte(good), copied))
	for _, r := range specRules(copied) {
		t.Run(r.name, func(t *testing.T) {
			require.NotEmpty(t, breaks[r.name], "nothing breaks this rule")
			for _, c := range breaks[r.name] {
				bad := strings.Replace(good, c.old, c.new, 1)
				require.NotEqual(t, good, bad, "%q is not in the spec", c.old)
				found := false
				for _, p := range CheckSpec("api/x/openapi.yaml", []byte(bad), copied) {
					found = found || p.Rule == r.name && p.File == "api/x/openapi.yaml" && strings.Contains(p.Where, c.where) && strings.Contains(p.Found, c.found)
				}
				assert.True(t, found, "%q for %q: %s", c.new, c.old, CheckSpec("api/x/openapi.yaml", []byte(bad), copied))
			}
		})
	}
	assert.Len(t, breaks, len(specRules(copied)), "a rule's name has changed")
}

func TestUnreadable(t *testing.T) {
	for text, found := range map[string]string{
		"a: [":                                "YAML",
		"a: 1\na: 2":                          "YAML",
		"openapi: 3.1.0":                      "OpenAPI",
		"openapi: 3.1.0\npaths: {/a: [1, 2]}": "OpenAPI",
		strings.Replace(good, "schemas/Owner'", "schemas/Nobody'", 1): "OpenAPI",
	} {
		problems := CheckSpec("x.yaml", []byte(text), nil)
		if assert.Len(t, problems, 1, text) {
			assert.Contains(t, problems[0].Rule, found, "%s", problems)
			assert.NotEmpty(t, problems[0].Found)
		}
	}
}

func TestCopiedText(t *testing.T) {
	p := NewPhrases("Please note that the address of the sender must be verified before\nyou can send a mail with it. Id, name: 5.")
	for text, found := range map[string][]string{
		"": nil,
		"The address of the sender must be verified first.":                               nil, // fewer than ten words in common
		"So: the ADDRESS of the sender must be\n  verified, before you can *send* mails.": {"the address of the sender must be verified before you can send"},
		"that the address of the sender must be verified before":                          {"that the address of the sender must be verified before"},
	} {
		assert.Equal(t, found, p.Find(text), text)
	}
	assert.Nil(t, new(Phrases).Find("that the address of the sender must be verified before"))
	sample := `{"id": 5, "name": "a", "list": [{"id": 7, "count": 12, "of": 3, "to": 4, "status": "new"}], "total": 9}`
	assert.Zero(t, NewPhrases(sample).Len(), "a sample is a fact")
	assert.Zero(t, NewPhrases("email subject sender html text reply tags params template headers attachments version name").Len(), "names are facts")
}

func TestWritePhrases(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.bin")
	_, err := WritePhrases(dir, file)
	require.Error(t, err, "a folder without texts")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte(sentence), 0o600))
	n, err := WritePhrases(dir, file)
	require.NoError(t, err)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Len(t, data, n*hashBytes)
	assert.Equal(t, NewPhrases(sentence).hashes, data)
}
