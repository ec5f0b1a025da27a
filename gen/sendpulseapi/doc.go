// Package sendpulseapi is the generated client of the SendPulse API (https://api.sendpulse.com).
//
// It is written by oapi-codegen from api/sendpulse/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
package sendpulseapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/sendpulse/oapi-codegen.yaml ../../api/sendpulse/openapi.yaml
