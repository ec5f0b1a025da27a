// Package pakatv3api is the generated client of the Pakat API v3 (https://api.pakat.net/v3).
//
// It is written by oapi-codegen from api/pakatv3/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
package pakatv3api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/pakatv3/oapi-codegen.yaml ../../api/pakatv3/openapi.yaml
