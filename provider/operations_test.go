package provider_test

import (
	"context"
	"encoding/json"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
)

// Every method of a Client that takes a context is an operation of the table, is
// seen by the hooks as it begins and as it ends, and no row is left over.
func TestEveryMethodIsAnOperation(t *testing.T) {
	var begun, ended []provider.Op
	c, err := memory.NewStore().Client(provider.WithHooks(provider.Hooks{
		OnStart: func(ctx context.Context, e provider.StartEvent) context.Context {
			begun = append(begun, e.Op)
			return ctx
		},
		OnResult: func(_ context.Context, e provider.ResultEvent) { ended = append(ended, e.Op) },
	}))
	require.NoError(t, err)
	table := provider.Operations()
	left := provider.Operations()
	delete(left, "open") // is no method
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		method, name := v.Method(i), v.Type().Method(i).Name
		if method.Type().NumIn() == 0 || method.Type().In(0) != reflect.TypeFor[context.Context]() {
			continue
		}
		begun, ended = nil, nil
		if name == "Call" { // for other packages, whose operations are these
			for _, op := range []provider.Op{"events.list", "webhooks.list", "webhooks.create", "webhooks.delete"} {
				require.NoError(t, c.Call(t.Context(), op, nil, func(context.Context, provider.Adapter) error { return nil }))
			}
		} else {
			call(t, method)
		}
		require.NotEmpty(t, begun, "%s tells no hook that it begins: run it through begin and end", name)
		assert.Equal(t, begun, ended, "%s begins and does not end, or the other way round", name)
		for _, op := range begun {
			assert.Contains(t, table, op, "%s: add a row to operations", name)
			delete(left, op)
		}
	}
	assert.Empty(t, left, "no method does these")
}

// call calls a method with a context and otherwise what is least.
func call(t *testing.T, method reflect.Value) {
	t.Helper()
	in := []reflect.Value{reflect.ValueOf(t.Context())}
	for i := 1; i < method.Type().NumIn(); i++ {
		switch typ := method.Type().In(i); typ {
		case reflect.TypeFor[iter.Seq2[*provider.Message, error]]():
			in = append(in, reflect.ValueOf(iter.Seq2[*provider.Message, error](func(yield func(*provider.Message, error) bool) { yield(order(), nil) })))
		case reflect.TypeFor[iter.Seq2[provider.ContactChange, error]]():
			in = append(in, reflect.ValueOf(iter.Seq2[provider.ContactChange, error](func(func(provider.ContactChange, error) bool) {})))
		default:
			in = append(in, reflect.Zero(typ))
		}
	}
	var out []reflect.Value
	if method.Type().IsVariadic() {
		out = method.CallSlice(in)
	} else {
		out = method.Call(in)
	}
	if len(out) == 1 && out[0].Kind() == reflect.Func { // an iterator: it begins when it is used
		for range out[0].Seq2() {
			break
		}
	}
}

// What an error says became of the call is worded by its operation.
func TestErrorsWordTheirOperation(t *testing.T) {
	for op, verb := range provider.Operations() {
		for outcome, want := range map[provider.Outcome]string{
			provider.OutcomeNotSent: "; nothing was ", provider.OutcomeMaybeSent: "; it may have been ", provider.OutcomeSent: "; it was ",
		} {
			text := (&provider.Error{Kind: provider.ErrInternal, Op: op, Outcome: outcome}).Error()
			if verb == "" {
				assert.False(t, strings.Contains(text, ";"), "%s reads: %s", op, text)
			} else {
				assert.True(t, strings.HasSuffix(text, want+verb), "%s: %s", op, text)
			}
		}
	}
}

// Of a read it is said that no request was made, never what was or was not sent; and one
// end of the context is told once.
func TestWordsOfReads(t *testing.T) {
	local := provider.Invalid("email", "expected an address")
	local.Op = "contacts.get"
	assert.Equal(t, "contacts.get: email: expected an address; no request was made", local.Error())
	remote := &provider.Error{Kind: provider.ErrNotFound, Op: "contacts.get", Status: 404, Message: "gone"}
	assert.Equal(t, "contacts.get: not found: gone (status 404)", remote.Error())
	data, err := json.Marshal(remote)
	require.NoError(t, err)
	assert.Contains(t, string(data), `"outcome":""`)

	canceled := &provider.Error{Kind: provider.ErrCanceled, Op: "send", Outcome: provider.OutcomeNotSent, Err: context.Canceled}
	assert.Equal(t, "send: context canceled; nothing was sent", canceled.Error())
	late := &provider.Error{Kind: provider.ErrCanceled, Op: "send", Outcome: provider.OutcomeNotSent, Err: context.DeadlineExceeded}
	assert.Equal(t, "send: canceled: context deadline exceeded; nothing was sent", late.Error())
}
