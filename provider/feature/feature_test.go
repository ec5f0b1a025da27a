package feature_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

var update = flag.Bool("update", false, "write feature.go from the table in package provider")

// The constants are what the tables in provider/message_fields.go and contact_fields.go give.
func TestConstants(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	for _, f := range provider.Features() {
		fmt.Fprintf(&b, "\n\t// %s: %s.\n\t%s provider.Feature = %q\n", goName(f), f.Doc(), goName(f), string(f))
	}
	b.WriteString(")\n")
	if *update {
		require.NoError(t, os.WriteFile("feature.go", []byte(b.String()), 0o600))
	}
	got, err := os.ReadFile("feature.go")
	require.NoError(t, err)
	assert.Equal(t, b.String(), string(got), `run "make generate", which writes feature.go`)
}

const head = `// Code generated from the tables in provider/message_fields.go and contact_fields.go; DO NOT EDIT.

// Package feature names what a provider may or may not have. The names are those
// of a configuration ("message.cc" under require or policy) and of the capability
// matrix, docs/capabilities.md.
//
//	if !client.Has(feature.MessageCc) { … }
package feature

import "github.com/postmux/postmux/provider"

// The features, in the order of the capability matrix.
const (`

// goName is the name of a feature's constant: MessageReplyToMany for
// message.reply_to.many.
func goName(f provider.Feature) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(string(f), func(r rune) bool { return r == '.' || r == '_' }) {
		switch word {
		case "html", "id", "url":
			word = strings.ToUpper(word)
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
