// Package otel makes OpenTelemetry spans of what a client does: one of each operation, and
// below it one of each HTTP request. It is an example to copy and change, and a module of
// its own, so that the library needs no tracing.
//
//	client, err := all.Open(ctx, cfg, provider.WithHooks(otel.Spans(tracer)))
//
// No address, subject, body or error text becomes an attribute, because traces are kept
// for long and read by many.
package otel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/postmux/postmux/provider"
)

// Spans returns hooks that make spans with tracer. Those of a route's members are below
// that of the route.
func Spans(tracer trace.Tracer) provider.Hooks {
	return provider.Hooks{
		OnStart: func(ctx context.Context, e provider.StartEvent) context.Context {
			ctx, _ = tracer.Start(ctx, "postmux "+string(e.Op), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
				attribute.String("postmux.provider", e.Provider), attribute.String("postmux.account", e.Account),
			))
			return ctx
		},
		OnTry: func(ctx context.Context, e provider.TryEvent) {
			end := time.Now()
			_, span := tracer.Start(ctx, e.Operation, trace.WithTimestamp(end.Add(-e.Took)), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
				attribute.String("http.request.method", e.Method), attribute.String("http.route", e.Route),
				attribute.Int("http.request.resend_count", e.Try-1), attribute.Int("http.response.status_code", e.Status),
				attribute.String("postmux.request_id", e.RequestID),
				attribute.Float64("postmux.waited", e.Waited.Seconds()), attribute.Float64("postmux.backoff", e.Backoff.Seconds()),
			))
			fail(span, e.Err)
			span.End(trace.WithTimestamp(end))
		},
		OnResult: func(ctx context.Context, e provider.ResultEvent) {
			span := trace.SpanFromContext(ctx)
			span.SetAttributes(attribute.Int("postmux.tries", e.Tries), attribute.String("postmux.state", string(e.State())))
			if r := e.Receipt; r != nil {
				span.SetAttributes(attribute.String("messaging.message.id", r.MessageID))
				for _, n := range r.Notes { // not n.Why, which may name an address
					span.AddEvent("note", trace.WithAttributes(attribute.String("field", n.Field), attribute.String("action", string(n.Action))))
				}
			}
			fail(span, e.Err)
			span.End()
		},
	}
}

// fail marks a span with the kind of err.
func fail(span trace.Span, err error) {
	if e, ok := errors.AsType[*provider.Error](err); ok {
		span.SetAttributes(attribute.String("error.type", string(e.Kind)), attribute.String("postmux.outcome", string(e.Outcome)))
		span.SetStatus(codes.Error, e.Kind.Error())
	}
}
