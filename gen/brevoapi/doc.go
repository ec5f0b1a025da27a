// Package brevoapi is the generated client of the Brevo API v3 (https://api.brevo.com/v3).
//
// It is written by oapi-codegen from api/brevo/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
//
// The methods of Client are the operations. In answers every field holds a plain value: what was absent or null reads as
// its zero value. In requests a nil pointer is not sent. Ids and numbers that may come as text are in the types of package flex.
//
// Comments name a field as it stands on the wire, which its tag has.
//
// What holds for all operations:
//   - Requests and answers are JSON, but for the files of UploadFile, ImportDeals and GetInboundAttachment. A success with
//     status 204 has no body, so the fields of its answer are empty: that is how CreateContact, CreateProduct and
//     CreateCategory tell that they changed something that was there.
//   - A page is asked for by Limit and Offset, from 0, newest first unless Sort is asc; only ListCompanies counts pages. Count
//     is the number of entries in all, not of this page. Walk with Sort asc where new entries come in meanwhile.
//   - Times in requests are ISO 8601 with a zone, days YYYY-MM-DD. Times in answers are ISO 8601 in several layouts (Z, +02:00,
//     +0000, up to nanoseconds). Chats, the filters of the CRM and corporate accounts count from 1970 UTC instead, in
//     milliseconds or seconds as the field says.
//   - Message ids have angle brackets.
//   - The body of a refused call is an Error, that of a refused test a SendTestError or SendSMSTestError. Decide by status and Code.
//   - Limits differ by area; the vendor publishes 10 calls a second for contacts and 100 an hour for senders, webhooks, campaigns,
//     processes and the account on the smallest plan.
package brevoapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/brevo/oapi-codegen.yaml ../../api/brevo/openapi.yaml
