package all_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/sandbox"
)

// vendors are the rows of api/vendors.tsv whose accounts can be opened at a fake.
// What is missing of the others, TestEveryVendorHasADriver and the sandbox's tests tell.
func vendors() []api.Vendor {
	return slices.DeleteFunc(api.Vendors(), func(v api.Vendor) bool {
		_, ok := all.Registry().Driver(v.Driver)
		return !ok || !slices.Contains(sandbox.Providers(), v.Driver)
	})
}

// The list of vendors and the registry name the same drivers.
func TestEveryVendorHasADriver(t *testing.T) {
	registry := all.Registry()
	known := provider.Registry(route.Drivers()).Names()
	for _, v := range api.Vendors() {
		known = append(known, v.Driver)
		_, ok := registry.Driver(v.Driver)
		assert.True(t, ok || v.Driver == "", "api/vendors.tsv has the driver %s, which provider/all/all.go does not know: add the driver of package %s to Registry", v.Driver, v.Adapter)
	}
	for _, name := range registry.Names() {
		assert.Contains(t, known, name, "provider/all/all.go has the driver %s, of which api/vendors.tsv has no row: add one", name)
	}
}

// oneSecret are the settings of an account that is opened by a single secret: no
// token is fetched with it.
func oneSecret(tb testing.TB, driver, secret string) provider.AccountConfig {
	tb.Helper()
	d, _ := all.Registry().Driver(driver)
	for _, s := range settings.Fields(reflect.TypeOf(d.Config())) {
		account := provider.AccountConfig{"provider": driver, s.Name: secret}
		if s.Secret && all.Registry().Check(provider.Config{Providers: map[string]provider.AccountConfig{driver: account}}) == nil {
			return account
		}
	}
	tb.Fatalf("no secret of %s opens an account alone; the tests of provider/all need one", driver)
	return nil
}

// limitClasses are the names by which rate_limits of an account may change a
// limit. Only the error about another name has them.
func limitClasses(t *testing.T, driver string) []string {
	t.Helper()
	account := oneSecret(t, driver, "k").With("rate_limits", map[string]string{"nothing": "1/h"})
	_, err := all.Open(t.Context(), provider.Config{Providers: map[string]provider.AccountConfig{driver: account}})
	require.ErrorIs(t, err, provider.ErrConfig)
	_, names, ok := strings.Cut(err.Error(), "known: ")
	require.True(t, ok, "%v", err)
	names, _, _ = strings.Cut(names, ";")
	return strings.Split(names, ", ")
}

// raw is what every generated client has.
type raw interface {
	Raw(ctx context.Context, call *rest.Call, out any, opts ...rest.Option) (*rest.Reply, error)
}

// hatch is the generated client of an account, and calls of it that are found by
// their arguments: a vendor needs no line here.
type hatch struct {
	raw
	vendor api.Vendor
}

func hatchOf(t *testing.T, v api.Vendor, c *provider.Client) hatch {
	t.Helper()
	client, ok := provider.Native[raw](c)
	require.True(t, ok, "%s hands out no generated client", v.Driver)
	require.Equal(t, "github.com/postmux/postmux/gen/"+v.Package(), reflect.TypeOf(client).Elem().PkgPath())
	return hatch{client, v}
}

// methods are the typed methods whose first arguments behind the context have the
// given types.
func (h hatch) methods(types ...reflect.Type) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	client := reflect.ValueOf(h.raw)
	for i := range client.NumMethod() {
		m := client.Method(i)
		fits := client.Type().Method(i).Name != "Raw" && m.Type().NumIn() >= len(types)+2
		for j, typ := range types {
			fits = fits && m.Type().In(j+1) == typ
		}
		if fits {
			out[client.Type().Method(i).Name] = m
		}
	}
	return out
}

// read makes a typed call that reads and needs no argument. It skips the test of a
// vendor that has no such operation.
func (h hatch) read(t *testing.T, ctx context.Context, opts ...rest.Option) error {
	t.Helper()
	methods := h.methods()
	for _, name := range readsOf(t, h.vendor.Spec) {
		for method, m := range methods {
			if strings.EqualFold(method, name) && m.Type().NumIn() == 2 {
				return call(m, ctx, nil, opts)
			}
		}
	}
	t.Skipf("no operation of %s reads without an argument, which this test needs", h.vendor.Spec)
	return nil
}

// call calls a generated method with the given arguments behind the context; those
// that follow are zero values.
func call(m reflect.Value, ctx context.Context, args []any, opts []rest.Option) error {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	for _, a := range args {
		in = append(in, reflect.ValueOf(a))
	}
	for i := len(in); i < m.Type().NumIn()-1; i++ {
		in = append(in, reflect.Zero(m.Type().In(i)))
	}
	out := m.CallSlice(append(in, reflect.ValueOf(opts)))
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

// readsOf are the operations of a spec that read, in the order of their names.
func readsOf(t *testing.T, spec string) []string {
	t.Helper()
	data, err := api.Spec(spec)
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	var out []string
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.Extensions["x-effect"] == "read" {
				out = append(out, op.OperationID)
			}
		}
	}
	slices.Sort(out)
	return out
}

// What the README says of a fault holds for every vendor, also for one that gets a
// token first: the mail is accepted, and the sender does not know.
func TestFaultOfTheREADME(t *testing.T) {
	for _, name := range sandbox.Providers() {
		t.Run(name, func(t *testing.T) {
			sb := sandbox.New(t)
			client, err := all.OpenAccount(t.Context(), sb.Config(), name)
			require.NoError(t, err)
			sb.Fail(name, sandbox.Fault{Status: 502, After: true})
			_, err = client.Send(t.Context(), &provider.Message{
				To: []provider.Address{{Email: "anna@example.com", Name: "Anna"}}, Subject: "s", HTML: "<p>s</p>",
			})
			if name == "brevo" { // it has an idempotency key, so the send is repeated and settles itself
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
			}
			assert.Len(t, sb.Messages(), 1)
		})
	}
}
