package brevo_test

import (
	"testing"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider/providertest"
)

func TestParseEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks", brevo.ParseEvents)
}

func FuzzParseEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks", brevo.ParseEvents)
}

func BenchmarkParseEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/click.json", brevo.ParseEvents)
}
