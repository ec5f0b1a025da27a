package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/journal"
)

// killEnv makes the tool kill itself at an operation of its files: "17 half" writes half of
// what the 17th writes, "17 before" nothing, "17 after" all of it.
const killEnv = "POSTMUX_TEST_KILL"

// killDisk is a disk at one of whose operations the process dies.
type killDisk struct {
	left atomic.Int32
	when string
}

func killAt(text string) context.Context {
	var left int32
	d := new(killDisk)
	if _, err := fmt.Sscan(text, &left, &d.when); err != nil {
		panic(err)
	}
	d.left.Store(left)
	return journal.OnDisk(context.Background(), func(file journal.Disk) journal.Disk { return killFile{file, d} })
}

// do carries out an operation, of which half is a half.
func (d *killDisk) do(half, whole func()) {
	if d.left.Add(-1) != 0 {
		whole()
		return
	}
	switch d.when {
	case "half":
		half()
	case "after":
		whole()
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	panic(err) // it is dead
}

type killFile struct {
	journal.Disk
	disk *killDisk
}

func (f killFile) Write(p []byte) (n int, err error) {
	f.disk.do(func() { _, _ = f.Disk.Write(p[:len(p)/2]) }, func() { n, err = f.Disk.Write(p) })
	return n, err
}

func (f killFile) Sync() (err error) {
	f.disk.do(func() {}, func() {}) // a kill of the process loses nothing that was written
	return err
}

func (f killFile) Close() (err error) {
	f.disk.do(func() {}, func() { err = f.Disk.Close() })
	return err
}

// front puts a killer before a vendor's fake.
func (k *killer) front(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of requests that a kill cuts off
	k.next = proxy
	server := httptest.NewServer(k)
	server.Config.ErrorLog = proxy.ErrorLog
	t.Cleanup(server.Close)
	return server.URL + u.Path
}

// The tool is killed again and again, at requests, at writes and at any time, in a batch,
// an import and an export, at each vendor. Gone on with to the end, nothing was done twice,
// nothing is lost, and nothing is untold.
func TestKilled(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	var all labCount
	combinations := 0
	for _, vendor := range labVendors() {
		combinations += len(labJobs(vendor))
	}
	for v, vendor := range labVendors() {
		for j, job := range labJobs(vendor) {
			t.Run(vendor+"/"+job, func(t *testing.T) {
				random := rand.New(rand.NewPCG(uint64(v), uint64(j)))
				var count labCount
				operations, requests, took := 60, 30, 300*time.Millisecond
				for count.kills < max(1, *kills/combinations) {
					k := new(killer)
					l := newLab(t, vendor, job, func(base string) string { return k.front(t, base) })
					temp := t.TempDir()
					run := func(kill string, wait time.Duration) (code int, out string, errOut string) {
						cmd := exec.CommandContext(t.Context(), binary, l.args()...)
						cmd.Env = append(os.Environ(), toolEnv+"=1", "TMPDIR="+temp)
						if kill != "" {
							cmd.Env = append(cmd.Env, killEnv+"="+kill)
						}
						var text, problems bytes.Buffer
						cmd.Stdout, cmd.Stderr = &text, &problems
						require.NoError(t, cmd.Start())
						k.serve(cmd.Process)
						if wait > 0 {
							timer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
							defer timer.Stop()
						}
						_ = cmd.Wait()
						count.runs++
						left, err := os.ReadDir(temp)
						require.NoError(t, err)
						assert.Empty(t, left, "in the folder for temporary files")
						return cmd.ProcessState.ExitCode(), text.String(), problems.String()
					}
					for range 1 + random.IntN(4) {
						code, began := 0, time.Now()
						k.arm(nil, -1, false)
						switch random.IntN(3) {
						case 0:
							at := 1 + random.IntN(operations)
							if code, _, _ = run(fmt.Sprint(at, " ", []string{"before", "half", "after"}[random.IntN(3)]), 0); code != -1 {
								operations = max(3, at)
							}
						case 1:
							at := 1 + random.IntN(requests)
							k.arm(nil, at, random.IntN(2) == 0)
							if code, _, _ = run("", 0); code != -1 {
								requests = max(3, at)
							}
						case 2:
							if code, _, _ = run("", time.Duration(random.Int64N(int64(took)))); code != -1 {
								took = max(time.Since(began), 10*time.Millisecond)
							}
						}
						if code != -1 {
							break // it was done before the kill
						}
						count.kills++
					}
					k.arm(nil, -1, false)
					code, out, errOut := run("", 0)
					l.check(&count, code, out)
					if t.Failed() {
						t.Fatal(strings.Join(l.args(), " "), "\n", out, "\n", errOut)
					}
				}
				count.none(t)
				t.Log(count)
				all.add(count)
			})
		}
	}
	t.Log(all)
	assert.Positive(t, all.kills)
}
