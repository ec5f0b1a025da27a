package outbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sizesEnv is set to measure how much larger a program becomes; it builds for a while.
const sizesEnv = "OUTBOX_SIZES"

// What an outbox adds to a program that sends at Brevo, with one driver: 4 MB are the driver's.
func TestSizes(t *testing.T) {
	if os.Getenv(sizesEnv) == "" {
		t.Skip(sizesEnv + " is not set")
	}
	const begin = `package main

import (
	"context"
	"os"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
`
	const plain = `)

func main() {
	c, err := brevo.New(os.Args[1])
	if err != nil {
		panic(err)
	}
	if _, err := c.Send(context.Background(), &provider.Message{Subject: "Hi"}); err != nil {
		panic(err)
	}
}
`
	const boxed = `
	box, err := outbox.Open(context.Background(), store, outbox.Config{
		Default:  "main",
		Accounts: func(context.Context, string) (*provider.Client, error) { return brevo.New(os.Args[1]) },
	})
	if err != nil {
		panic(err)
	}
	if _, err := box.Enqueue(context.Background(), &provider.Message{Subject: "Hi"}, nil); err != nil {
		panic(err)
	}
	if err := box.Run(context.Background()); err != nil {
		panic(err)
	}
}
`
	size := func(name, source string) int64 {
		dir := t.TempDir()
		file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
		require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
		out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program, file).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		info, err := os.Stat(program)
		require.NoError(t, err)
		return info.Size()
	}
	without := size("brevo", begin+plain)
	t.Logf("brevo alone: %d bytes", without)
	for _, row := range []struct{ name, imports, open string }{
		{
			"outbox/lite", "\t\"github.com/postmux/postmux/outbox\"\n\t\"github.com/postmux/postmux/outbox/lite\"\n",
			"store, err := lite.Open(os.Args[2], lite.Options{})\n",
		},
		{
			"outbox with pgx", "\t\"database/sql\"\n\t_ \"github.com/jackc/pgx/v5/stdlib\"\n\t\"github.com/postmux/postmux/outbox\"\n",
			"db, err := sql.Open(\"pgx\", os.Args[2])\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tstore, err := outbox.Postgres(db, outbox.StoreOptions{})\n",
		},
	} {
		more := size(row.name, begin+row.imports+")\n\nfunc main() {\n\t"+row.open+"\tif err != nil {\n\t\tpanic(err)\n\t}"+boxed) - without
		t.Logf("%s: %+d bytes", row.name, more)
		assert.LessOrEqual(t, more, int64(5_000_000), row.name)
	}
}
