package pakat_test

import (
	"testing"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
)

func TestConformance(t *testing.T) {
	h := providertest.Harness{
		Driver: pakat.Driver(), SendOperation: "sendTransactionalEmail",
		List: provider.Ref{ID: listA}, Template: provider.Ref{ID: "orderready001"}, Field: "CITY", NumberType: "text",
	}
	t.Run("defaults", func(t *testing.T) { providertest.Run(t, h) })
	h.Settings = map[string]any{"phone_tag": "PHONE", "plain_text": "plain"}
	t.Run("all settings", func(t *testing.T) { providertest.Run(t, h) })
}
