package sendpulse_test

import (
	"testing"

	"github.com/postmux/postmux/provider/providertest"
	"github.com/postmux/postmux/sendpulse"
)

func TestParseBulkEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks/bulk", sendpulse.ParseBulkEvents)
}

func TestParseSMTPEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks/smtp", sendpulse.ParseSMTPEvents)
}

func FuzzParseBulkEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks/bulk", sendpulse.ParseBulkEvents)
}

func FuzzParseSMTPEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks/smtp", sendpulse.ParseSMTPEvents)
}

func BenchmarkParseSMTPEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/smtp/delivered.json", sendpulse.ParseSMTPEvents)
}

func BenchmarkParseBulkEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/bulk/redirect.json", sendpulse.ParseBulkEvents)
}
