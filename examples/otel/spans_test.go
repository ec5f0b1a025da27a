package otel_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/postmux/postmux/examples/otel"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// A send through a route whose first member has no credit: a span of the route, one of
// each member below it, one of each request below that.
func TestSpans(t *testing.T) {
	sb := sandbox.New(t)
	sb.Fail("brevo", sandbox.Fault{Status: http.StatusPaymentRequired, Body: `{"code": "not_enough_credits", "message": "no credits"}`})
	cfg, err := provider.ParseConfig([]byte(fmt.Sprintf(`{"default": "mail", "providers": {
		"mail": {"provider": "failover", "members": ["main", "backup"]},
		"main": {"provider": "brevo", "api_key": %q, "base_url": %q, "from": "shop@example.com"},
		"backup": {"provider": "pakatv3", "api_key": %q, "base_url": %q, "from": "shop@example.com"}}}`,
		sandbox.Key("brevo"), sb.BaseURL("brevo"), sandbox.Key("pakatv3"), sb.BaseURL("pakatv3"))))
	require.NoError(t, err)
	recorder := tracetest.NewSpanRecorder()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(recorder)).Tracer("shop")
	client, err := all.Open(t.Context(), cfg, provider.WithHooks(otel.Spans(tracer)))
	require.NoError(t, err)
	receipt, err := client.Send(t.Context(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	require.NoError(t, err)

	spans := recorder.Ended()
	name := map[string]string{} // by span id
	for _, s := range spans {
		name[s.SpanContext().SpanID().String()] = s.Name() + " " + attributes(s)["postmux.account"]
	}
	var got []string
	for _, s := range spans {
		got = append(got, fmt.Sprintf("%s < %s: %s", name[s.SpanContext().SpanID().String()], name[s.Parent().SpanID().String()], s.Status().Code))
	}
	assert.Equal(t, []string{
		"sendEmail  < postmux send main: Error",
		"postmux send main < postmux send mail: Error",
		"sendEmail  < postmux send backup: Unset",
		"postmux send backup < postmux send mail: Unset",
		"postmux send mail < : Unset",
	}, got)
	assert.Equal(t, codes.Error, spans[0].Status().Code)
	assert.Equal(t, "no_credit", attributes(spans[0])["error.type"])
	assert.Equal(t, "402", attributes(spans[0])["http.response.status_code"])
	assert.Equal(t, receipt.MessageID, attributes(spans[4])["messaging.message.id"])
	assert.Equal(t, "2", attributes(spans[4])["postmux.tries"])
	for _, s := range spans {
		assert.NotContains(t, fmt.Sprint(s.Attributes(), s.Events(), s.Status()), "anna@", s.Name())
	}
}

func attributes(s trace.ReadOnlySpan) map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes() {
		out[string(a.Key)] = a.Value.Emit()
	}
	return out
}
