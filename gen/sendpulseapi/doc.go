// Package sendpulseapi is the generated client of the SendPulse API (https://api.sendpulse.com).
//
// It is written by oapi-codegen from api/sendpulse/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
//
// The methods of Client are the operations. In answers every field holds a plain value: what was absent or null reads as
// its zero value. In requests a nil pointer is not sent. Ids and numbers that may come as text are in the types of package flex.
//
// Comments name a field as it stands on the wire, which its tag has.
//
// What holds for all operations:
//   - Times are YYYY-MM-DD HH:MM:SS without a zone; which zone is not documented.
//   - Lists come as bare slices without a total: a page shorter than its limit is the last one.
//   - Some operations report a refusal with status 200, as Result false or as an Error in place of the answer.
//     The clients of this library turn both into errors; rest.Plain does not.
//   - []byte fields are base64 on the wire; hold the content itself.
//   - 10 requests a second; the plan sets a limit a minute and a day.
package sendpulseapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/sendpulse/oapi-codegen.yaml ../../api/sendpulse/openapi.yaml
