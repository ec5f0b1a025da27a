// Package brevoapi is the generated client of the Brevo API v3 (https://api.brevo.com/v3).
//
// It is written by oapi-codegen from api/brevo/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
package brevoapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/brevo/oapi-codegen.yaml ../../api/brevo/openapi.yaml
