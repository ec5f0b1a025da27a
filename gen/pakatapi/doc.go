// Package pakatapi is the generated client of the API of new.pakat.net (https://new.pakat.net/api).
//
// It is written by oapi-codegen from api/pakat/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
package pakatapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/pakat/oapi-codegen.yaml ../../api/pakat/openapi.yaml
