package sandbox_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// Start is for a program; a test calls New instead.
func ExampleStart() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := all.OpenAccount(context.Background(), sb.Config(), "brevo")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sb.Messages("brevo")[0].Subject)
	// Output: Hello
}

// testingT stands in for the *testing.T of a test.
type testingT struct{ cleanups []func() }

func (t *testingT) Helper()                           {}
func (t *testingT) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *testingT) Errorf(format string, args ...any) { log.Printf(format, args...) }
func (t *testingT) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }

func (t *testingT) end() {
	for _, f := range t.cleanups {
		f()
	}
}

// New starts a sandbox for a test and closes it at the end of the test.
func ExampleNew() {
	t := &testingT{} // in a test: func TestOrderMail(t *testing.T)
	defer t.end()

	sb := sandbox.New(t)
	client, err := all.OpenAccount(context.Background(), sb.Config(), "sendpulse")
	if err != nil {
		t.Fatalf("%v", err)
	}
	receipt, err := client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com", Name: "Anna"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Println(receipt.State, sb.Messages("sendpulse")[0].Subject)
	// Output: accepted Order 4711
}
