package brevo_test

import (
	"testing"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Driver: brevo.Driver(), SendOperation: "sendEmail",
		List: provider.Ref{ID: "4"}, Template: provider.Ref{ID: "12"}, Field: "CITY", NumberType: "float", AccountConsent: true, BulkImport: true, Settings: map[string]any{"folder_id": "1"},
	})
}
