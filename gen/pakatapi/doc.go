// Package pakatapi is the generated client of the API of new.pakat.net (https://new.pakat.net/api).
//
// It is written by oapi-codegen from api/pakat/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
//
// The methods of Client are the operations. In answers every field holds a plain value: what was absent or null reads as
// its zero value. In requests a nil pointer is not sent. Ids and numbers that may come as text are in the types of package flex.
//
// Comments name a field as it stands on the wire, which its tag has.
//
// What holds for all operations:
//   - Requests are forms, answers JSON. One record stands in Data.Record, a page of them in Data.Records.
//   - A page is asked for by Page, from 1, and PerPage; NextPage is 0 on the last one.
//   - A Status of "error" is a failure at any HTTP code. The clients of this library turn it into an error; rest.Plain does not.
//   - Times are YYYY-MM-DD HH:MM:SS. The zone is UTC for the sending time of single mails, the account's own for that of
//     campaigns, and not documented elsewhere.
//   - An address is a subscriber of one list, with another uid in each.
package pakatapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/pakat/oapi-codegen.yaml ../../api/pakat/openapi.yaml
