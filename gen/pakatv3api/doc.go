// Package pakatv3api is the generated client of the Pakat API v3 (https://api.pakat.net/v3).
//
// It is written by oapi-codegen from api/pakatv3/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
//
// The methods of Client are the operations. In answers every field holds a plain value: what was absent or null reads as
// its zero value. In requests a nil pointer is not sent. Ids and numbers that may come as text are in the types of package flex.
//
// Comments name a field as it stands on the wire, which its tag has.
//
// What holds for all operations:
//   - The vendor documents requests, but few answers, and neither status codes nor error bodies. What a comment calls
//     assumed was taken from Sendinblue's API v3, which this one descends from, and is unproved.
//   - Pages are asked for by Limit and Offset; defaults and maxima are not documented.
//   - Times in requests are ISO 8601 with a zone, days YYYY-MM-DD. Times in answers are ISO 8601 with Z or an offset.
package pakatv3api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/pakatv3/oapi-codegen.yaml ../../api/pakatv3/openapi.yaml
