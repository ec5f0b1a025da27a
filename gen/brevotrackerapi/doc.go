// Package brevotrackerapi is the generated client of Brevo's tracker (https://in-automate.brevo.com/api/v2).
//
// It is written by oapi-codegen from api/brevotracker/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
package brevotrackerapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/brevotracker/oapi-codegen.yaml ../../api/brevotracker/openapi.yaml
