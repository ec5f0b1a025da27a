// Package smsbyapi is the generated client of the e-mail API v2 of SMS.by (https://app.sms.by).
//
// It is written by oapi-codegen from api/smsby/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
//
// The methods of Client are the operations. In answers every field holds a plain value: what was absent or null reads as
// its zero value. In requests a nil pointer is not sent. Ids and numbers that may come as text are in the types of package flex.
//
// Comments name a field as it stands on the wire, which its tag has.
//
// What holds for all operations:
//   - Every call is a POST, those that only read included.
//   - The account's key is the field Token of a form, or stands in the query. The clients of this library add it. With
//     rest.Plain set Token, and let the transport add it to the query of GetEmailTemplates, CreateSubscriberList and
//     ImportContacts; their query strings must not be logged.
//   - A success has the Status "OK". How a failure looks is not documented: see Error.
//   - Sending times are YYYY-MM-DD HH:MM in a zone that is not documented.
package smsbyapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/smsby/oapi-codegen.yaml ../../api/smsby/openapi.yaml
