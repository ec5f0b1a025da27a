// Package api holds the curated OpenAPI specs of the vendors, and the list of them.
package api

import "embed"

//go:embed */openapi.yaml
var specs embed.FS

// Spec returns a spec as YAML, by the name that [Vendor] has in its field Spec.
// The bytes are the caller's.
func Spec(name string) ([]byte, error) {
	return specs.ReadFile(name + "/openapi.yaml")
}
