// Package api holds the curated OpenAPI specs of the vendors.
package api

import "embed"

//go:embed */openapi.yaml
var specs embed.FS

// Spec returns the spec of a provider ("brevo", "brevotracker", "pakatv3", "pakat",
// "sendpulse", "smsby") as YAML. The bytes are the caller's.
func Spec(provider string) ([]byte, error) {
	return specs.ReadFile(provider + "/openapi.yaml")
}
