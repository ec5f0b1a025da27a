package pakat_test

import (
	"testing"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider/providertest"
)

func TestParseEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks", pakat.ParseEvents)
}

func TestParseV3Events(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks_v3", pakat.ParseV3Events)
}

func FuzzParseEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks", pakat.ParseEvents)
}

func BenchmarkParseEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/click.json", pakat.ParseEvents)
}
