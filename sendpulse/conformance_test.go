package sendpulse_test

import (
	"testing"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
	"github.com/postmux/postmux/sendpulse"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		Driver: sendpulse.Driver(), SendOperation: "sendEmail",
		List: provider.Ref{ID: "4"}, Template: provider.Ref{ID: "12"}, Field: "city", NumberType: "number", BulkImport: true,
	})
}
