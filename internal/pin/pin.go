// Package pin tells a route which of its members sends a message.
package pin

import "context"

type key struct{}

// With returns a context under which a route sends through the member with this name.
func With(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, key{}, name)
}

// Without takes the name off again.
func Without(ctx context.Context) context.Context {
	if Of(ctx) == "" {
		return ctx
	}
	return With(ctx, "")
}

// Of returns the name, empty for none.
func Of(ctx context.Context) string {
	name, _ := ctx.Value(key{}).(string)
	return name
}
