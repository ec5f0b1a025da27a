package provider

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// Hooks observe what a Client does. Any of them may be nil. They are called in
// the goroutine of the operation and must be safe for concurrent use. What they
// get holds no credential and no address, but for AttemptEvent.Describe.
type Hooks struct {
	// OnAttempt is called after each HTTP request.
	OnAttempt func(ctx context.Context, e AttemptEvent)
	// OnResult is called after each operation of the Client.
	OnResult func(ctx context.Context, e ResultEvent)
	// OnState is called after a route began or ceased to keep mail from one of
	// its members. Of changes at the same moment the order is not kept.
	OnState func(ctx context.Context, e StateEvent)
}

// StateEvent is a change in what a route thinks of a member. Package route
// names the states.
type StateEvent struct {
	Provider, Account string // the member
	Route             string // account name of the route
	From, To          string
	Why               string // in words
}

// AttemptEvent is one HTTP request that ended.
type AttemptEvent struct {
	Provider, Account string
	Operation         string // operationId of the vendor's spec
	Method, Route     string // route template, without values
	Attempt           int    // of the same call, from 1
	Status            int    // 0 when no answer came
	Outcome           Outcome
	RequestID         string
	Err               error
	Took              time.Duration
	Waited            time.Duration // before, for the account's own limit
	// Describe tells the request and the answer with credentials redacted. It
	// holds addresses and contents: for debugging.
	Describe func() (Request, Answer)
}

// ResultEvent is one operation of the Client that ended.
type ResultEvent struct {
	Provider, Account, Op string
	State                 State // of a send
	Err                   error
	Took                  time.Duration
}

// Request is what goes out, with credentials redacted.
type Request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	JSON    json.RawMessage   `json:"json,omitempty"`
	Form    []FormField       `json:"form,omitempty"`
	Parts   []FormField       `json:"parts,omitempty"`
	Then    string            `json:"then,omitempty"` // what follows, in words
}

// FormField is a field of a form, or a part of a multipart body.
type FormField struct {
	Name        string `json:"name"`
	Value       string `json:"value,omitempty"`
	FileName    string `json:"filename,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Bytes       int    `json:"bytes,omitempty"` // size of a file, which is not shown
}

// Answer is what came back, with credentials redacted.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"` // the first 4 KiB
}

// JoinHooks calls all of hooks in order.
func JoinHooks(hooks ...Hooks) Hooks {
	return Hooks{
		OnAttempt: func(ctx context.Context, e AttemptEvent) {
			for _, h := range hooks {
				if h.OnAttempt != nil {
					h.OnAttempt(ctx, e)
				}
			}
		},
		OnResult: func(ctx context.Context, e ResultEvent) {
			for _, h := range hooks {
				if h.OnResult != nil {
					h.OnResult(ctx, e)
				}
			}
		},
		OnState: func(ctx context.Context, e StateEvent) {
			for _, h := range hooks {
				if h.OnState != nil {
					h.OnState(ctx, e)
				}
			}
		},
	}
}

// SlogHooks log each request at debug level, and each operation at info level,
// or at warning level when it failed, as is each change of a route's member. No addresses, subjects or bodies are logged.
func SlogHooks(log *slog.Logger) Hooks {
	return Hooks{
		OnAttempt: func(ctx context.Context, e AttemptEvent) {
			log.LogAttrs(ctx, slog.LevelDebug, "provider request",
				slog.String("provider", e.Provider), slog.String("account", e.Account), slog.String("operation", e.Operation),
				slog.String("method", e.Method), slog.String("route", e.Route), slog.Int("attempt", e.Attempt), slog.Int("status", e.Status),
				slog.String("outcome", string(e.Outcome)), slog.String("request_id", e.RequestID), slog.Duration("took", e.Took), slog.Duration("waited", e.Waited))
		},
		OnResult: func(ctx context.Context, e ResultEvent) {
			level := slog.LevelInfo
			attrs := []slog.Attr{
				slog.String("provider", e.Provider), slog.String("account", e.Account), slog.String("op", e.Op),
				slog.String("state", string(e.State)), slog.Duration("took", e.Took),
			}
			if e.Err != nil {
				level = slog.LevelWarn
				attrs = append(attrs, slog.String("kind", string(kindOf(e.Err))))
			}
			log.LogAttrs(ctx, level, "provider operation", attrs...)
		},
		OnState: func(ctx context.Context, e StateEvent) {
			log.LogAttrs(ctx, slog.LevelWarn, "route member",
				slog.String("provider", e.Provider), slog.String("account", e.Account), slog.String("route", e.Route),
				slog.String("from", e.From), slog.String("to", e.To), slog.String("why", e.Why))
		},
	}
}
