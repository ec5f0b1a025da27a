// Package brevotrackerapi is the generated client of Brevo's tracker (https://in-automate.brevo.com/api/v2).
//
// It is written by oapi-codegen from api/brevotracker/openapi.yaml; change the spec and
// run "make generate", never this package. It is outside the compatibility
// promise of this module: names follow the vendor's API.
//
// The methods of Client are the operations. In requests a nil pointer is not sent; Email, and the name of what is reported,
// are needed all the same. The key is that of the tracker (ma-key), not the API key. A success has no content. The vendor names
// CreateEvent of package brevoapi as the successor of TrackEvent.
package brevotrackerapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config ../../api/brevotracker/oapi-codegen.yaml ../../api/brevotracker/openapi.yaml
