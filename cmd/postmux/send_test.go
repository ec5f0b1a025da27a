package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

// Every field of a message has a flag, or a reason to have none.
func TestEveryFieldHasAFlag(t *testing.T) {
	named := map[string]string{"attachments": "attach", "headers": "header", "tags": "tag", "variables": "var"}
	without := map[string]string{"recipients": "personalised mail needs a structure: batch and JSON have it"}
	var m messageFlags
	cmd := &cobra.Command{}
	m.register(cmd)
	typ := reflect.TypeFor[provider.Message]()
	for i := range typ.NumField() {
		field, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		flag := named[field]
		if flag == "" {
			flag = strings.ReplaceAll(field, "_", "-")
		}
		if without[field] == "" {
			assert.NotNil(t, cmd.Flags().Lookup(flag), "message.%s has no flag --%s: add one to messageFlags in send.go, or a reason here", field, flag)
		}
	}
}
