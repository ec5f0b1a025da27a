package smsby_test

import (
	"testing"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
	"github.com/postmux/postmux/smsby"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Driver: smsby.Driver(), SendOperation: "sendEmail",
		List: provider.Ref{ID: "318"}, Template: provider.Ref{ID: "27"}, Field: "city", BulkImport: true,
	})
}

func TestConformanceOfBulk(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Driver: smsby.Driver(), SendOperation: "sendBulkEmail", Settings: map[string]any{"send_via": "bulk"},
		List: provider.Ref{ID: "318"}, Template: provider.Ref{ID: "27"}, Field: "city", BulkImport: true,
	})
}
