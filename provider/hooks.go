package provider

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Hooks observe what a Client does. Any of them may be nil. They are called in the
// goroutine of the operation and must be safe for concurrent use. Their arguments
// hold no credential, and no address except in TryEvent.Describe and the Receipt of
// a ResultEvent.
type Hooks struct {
	// OnStart is called before each operation of the Client. The context that it
	// returns is used for the operation, so a span can be started here and ended by
	// the other hooks: examples/otel of this module does that.
	OnStart func(ctx context.Context, e StartEvent) context.Context
	// OnTry is called after each HTTP request.
	OnTry func(ctx context.Context, e TryEvent)
	// OnResult is called after each operation of the Client.
	OnResult func(ctx context.Context, e ResultEvent)
	// OnState is called after a route stopped or resumed giving mail to a member.
	// Calls for simultaneous changes may come in another order.
	OnState func(ctx context.Context, e StateEvent)
	// OnLimit is called when the Limiter of WithLimiter could not tell whether a call
	// may leave, or did not take a pause. The call went on under the limit that this
	// process keeps.
	OnLimit func(ctx context.Context, e LimitEvent)
}

// StartEvent is the beginning of one operation of the Client.
type StartEvent struct {
	Provider, Account string // names of the driver and of the account
	Op                Op
}

// ResultEvent is the end of one operation of the Client.
type ResultEvent struct {
	Provider, Account string
	Op                Op
	Receipt           *Receipt // of a send, a look-up or a settling; nil when no request left
	Err               error
	Took              time.Duration
	// Tries are the HTTP requests, those for a token and those of a route's members
	// too. Waited is the time they have waited for limits, Backoff that before repeats.
	// Messages that shared a call have those of the whole call.
	Tries           int
	Waited, Backoff time.Duration
}

// State is the state of the event's Receipt; empty without one.
func (e ResultEvent) State() State {
	if e.Receipt == nil {
		return ""
	}
	return e.Receipt.State
}

// TryEvent is one completed HTTP request.
type TryEvent struct {
	Provider, Account string
	Operation         string // operationId of the vendor's spec
	Method, Route     string // route template, without values
	Try               int    // of the same call, from 1
	Status            int    // 0 when no response came
	Outcome           Outcome
	RequestID         string
	Err               error
	Took              time.Duration
	Waited            time.Duration // before, for the account's own limit
	Backoff           time.Duration // before, because the try before it had failed
	// Describe returns the request and the response, with credentials redacted and
	// with addresses and contents. It is for debugging.
	Describe func() (WireRequest, WireResponse)
}

// StateEvent is a change of the state of a route's member. Package route has the
// states.
type StateEvent struct {
	Provider, Account string // the member
	Route             string // account name of the route
	From, To          string
	Why               string // in words
}

// LimitEvent is a failure of the Limiter of WithLimiter.
type LimitEvent struct {
	Provider, Account string
	Slot              Slot
	Err               error // of the Limiter
}

// WireRequest is an HTTP request as it goes out, with credentials redacted.
type WireRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	JSON    json.RawMessage   `json:"json,omitempty"`
	Form    []FormField       `json:"form,omitempty"`
	Parts   []FormField       `json:"parts,omitempty"`
	Then    string            `json:"then,omitempty"` // the requests that would follow, in words
	// PerSecond is how many such requests the account's limit lets through; 0 means any
	// number.
	PerSecond float64 `json:"-"`
}

// FormField is a field of a form, or a part of a multipart body.
type FormField struct {
	Name        string `json:"name"`
	Value       string `json:"value,omitempty"`
	FileName    string `json:"filename,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Bytes       int    `json:"bytes,omitempty"` // size of a file, which is not shown
}

// WireResponse is an HTTP response as it came back, with credentials redacted.
type WireResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"` // the first 4 KiB
}

// And returns hooks that call those of h, and then those of more in order.
func (h Hooks) And(more ...Hooks) Hooks {
	all := h
	for _, h := range more {
		if h.OnStart != nil {
			all.OnStart = after(all.OnStart, h.OnStart)
		}
		all.OnTry = both(all.OnTry, h.OnTry)
		all.OnResult = both(all.OnResult, h.OnResult)
		all.OnState = both(all.OnState, h.OnState)
		all.OnLimit = both(all.OnLimit, h.OnLimit)
	}
	return all
}

func after(
	first, then func(context.Context, StartEvent) context.Context,
) func(context.Context, StartEvent) context.Context {
	if first == nil {
		return then
	}
	return func(ctx context.Context, e StartEvent) context.Context { return then(first(ctx, e), e) }
}

func both[E any](first, then func(context.Context, E)) func(context.Context, E) {
	switch {
	case first == nil:
		return then
	case then == nil:
		return first
	}
	return func(ctx context.Context, e E) {
		first(ctx, e)
		then(ctx, e)
	}
}

// SlogHooks log each request at debug level, each operation at info level or, when
// it failed, at warning level, and at warning level each change of the state of a
// route's member and each failure of a Limiter.
//
// The line of an operation has the id of the mail, the account that sent it, tries and
// waits, and in words without values what its notes and a route's members said: "tags
// dropped", "main unauthorized". No addresses, subjects or bodies are logged.
func SlogHooks(log *slog.Logger) Hooks {
	return Hooks{
		OnTry: func(ctx context.Context, e TryEvent) {
			log.LogAttrs(ctx, slog.LevelDebug, "provider request",
				slog.String("provider", e.Provider), slog.String("account", e.Account),
				slog.String("operation", e.Operation), slog.String("method", e.Method), slog.String("route", e.Route),
				slog.Int("try", e.Try), slog.Int("status", e.Status), slog.String("outcome", string(e.Outcome)),
				slog.String("request_id", e.RequestID), slog.Duration("took", e.Took),
				slog.Duration("waited", e.Waited), slog.Duration("backoff", e.Backoff))
		},
		OnResult: func(ctx context.Context, e ResultEvent) {
			level := slog.LevelInfo
			if e.Err != nil {
				level = slog.LevelWarn
			}
			log.LogAttrs(ctx, level, "provider operation", e.attrs()...)
		},
		OnState: func(ctx context.Context, e StateEvent) {
			log.LogAttrs(ctx, slog.LevelWarn, "route member",
				slog.String("provider", e.Provider), slog.String("account", e.Account), slog.String("route", e.Route),
				slog.String("from", e.From), slog.String("to", e.To), slog.String("why", e.Why))
		},
		OnLimit: func(ctx context.Context, e LimitEvent) {
			log.LogAttrs(ctx, slog.LevelWarn, "limiter failed",
				slog.String("provider", e.Provider), slog.String("account", e.Account),
				slog.String("class", e.Slot.Class), slog.String("error", text.OneLine(e.Err.Error())))
		},
	}
}

// attrs are those of the log line of e; what is empty has none.
func (e ResultEvent) attrs() []slog.Attr {
	out := []slog.Attr{
		slog.String("provider", e.Provider), slog.String("account", e.Account), slog.String("op", string(e.Op)),
		slog.String("state", string(e.State())), slog.Duration("took", e.Took), slog.Int("tries", e.Tries),
		slog.Duration("waited", e.Waited), slog.Duration("backoff", e.Backoff),
	}
	if e.Err != nil {
		out = append(out, slog.String("kind", string(kindOf(e.Err))))
	}
	var members []string // of a route, and what kept them from sending
	if err := errorOf(e.Err); err != nil {
		for _, m := range err.Members {
			members = append(members, m.Account+" "+m.Kind.Error())
		}
	}
	if r := e.Receipt; r != nil {
		if id := r.MessageID; id != "" {
			out = append(out, slog.String("message_id", text.OneLine(id)))
		}
		if r.Account != e.Account {
			out = append(out, slog.String("by", r.Account))
		}
		var notes []string
		for _, n := range r.Notes {
			notes = append(notes, n.Field+" "+string(n.Action))
		}
		if notes != nil {
			out = append(out, slog.Any("notes", notes))
		}
		for _, a := range r.Accounts {
			if a.Error != nil && a.Account != r.Account {
				members = append(members, a.Account+" "+a.Error.Kind.Error())
			}
		}
	}
	if members != nil {
		slices.Sort(members)
		out = append(out, slog.Any("members", slices.Compact(members)))
	}
	return out
}
