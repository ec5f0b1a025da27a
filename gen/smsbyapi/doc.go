// Package smsbyapi is the generated client of the e-mail API v2 of SMS.by (https://app.sms.by).
//
// It is written by oapi-codegen from api/smsby/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
package smsbyapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/smsby/oapi-codegen.yaml ../../api/smsby/openapi.yaml
