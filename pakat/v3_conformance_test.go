package pakat_test

import (
	"testing"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
)

func TestV3Conformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Driver: pakat.V3Driver(), SendOperation: "sendEmail",
		List: provider.Ref{ID: "4"}, Template: provider.Ref{ID: "12"}, Field: "CITY", NumberType: "float", AccountConsent: true, Settings: map[string]any{"folder_id": "1"},
	})
}
