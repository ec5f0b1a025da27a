package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/sandbox"
)

// TestJobs runs the scripts of testdata/jobs: each is a job that somebody has with the
// tool, with its commands and what they print. A script runs in a folder of its own with
// a sandbox of its own and the example files; -update writes what is printed. Beside the
// commands of package testscript there are
//
//	[!] postmux ARG...     runs the tool; what differs from run to run is replaced, and
//	                       .stdout has what it wrote
//	code N                 the last run ended with this exit code
//	received PROVIDER N    the sandbox has that many mails of the provider
//
// $SHAPES has files of contacts as other programs write them.
func TestJobs(t *testing.T) {
	scripts, err := filepath.Glob("testdata/jobs/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	shapes, err := filepath.Abs(filepath.Join("testdata", "shapes"))
	require.NoError(t, err)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			sb := sandbox.New(t, sandbox.Lenient())
			testscript.Run(t, testscript.Params{
				Files: []string{script}, UpdateScripts: *update, RequireUniqueNames: true,
				Setup: func(e *testscript.Env) error {
					at := strings.TrimSuffix(sb.BaseURL("brevo"), "/brevo/v3")
					e.Vars = append(e.Vars, "SHAPES="+shapes, "SANDBOX="+at, "TZ=UTC", "NO_COLOR=1", "COLUMNS=80", "XDG_CONFIG_HOME="+e.WorkDir)
					return prepare(e.WorkDir, at)
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"code": func(ts *testscript.TestScript, _ bool, args []string) {
						if got := ts.ReadFile(codeFile); got != args[0] {
							ts.Fatalf("the exit code is %s, expected %s", got, args[0])
						}
					},
					"received": func(ts *testscript.TestScript, _ bool, args []string) {
						if got := len(sb.Messages(args[0])); strconv.Itoa(got) != args[1] {
							ts.Fatalf("%s has %d mails, expected %s", args[0], got, args[1])
						}
					},
				},
			})
		})
	}
}

// prepare writes the examples into the folder of a script, but for files that are there, and
// puts the URL of the sandbox into the configurations.
func prepare(dir, at string) error {
	entries, err := examples.Files.ReadDir(".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		data, err := examples.Files.ReadFile(entry.Name())
		if err != nil {
			return err
		}
		path := filepath.Join(dir, entry.Name())
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	configs, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	for _, path := range configs {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.NewReplacer("http://"+examples.Address, at, "$SANDBOX", at).Replace(string(data))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return err
}

// codeFile has the exit code of the last run of the tool in a script.
const codeFile = ".code"

// scripted is the tool in a script: what differs from run to run is replaced.
func scripted() {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), os.Args[1:], os.Stdin, &stdout, &stderr)
	dir, _ := os.Getwd()
	for out, text := range map[*os.File]string{os.Stdout: stdout.String(), os.Stderr: stderr.String()} {
		text = strings.ReplaceAll(text, dir+string(filepath.Separator), "")
		for _, v := range varying {
			text = v.find.ReplaceAllString(text, v.with)
		}
		_, _ = out.WriteString(text)
	}
	for name, data := range map[string]string{codeFile: strconv.Itoa(code), ".stdout": stdout.String()} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}
