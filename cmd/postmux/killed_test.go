package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/sandbox"
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
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.ServeHTTP(w, r)
		if k.served != nil {
			k.served <- struct{}{}
		}
	}))
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
				for count.kills < (*kills+combinations-1)/combinations {
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

// Who only waits for a limit when the tool is killed has not begun, and is sent by the next
// run.
func TestKilledWhileWaitingForTheLimit(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	const n = 9
	for _, vendor := range labVendors() {
		t.Run(vendor, func(t *testing.T) {
			answered := make(chan struct{}, 9*n)
			l := newLab(t, vendor, "batch", func(base string) string {
				k := &killer{left: -1, served: answered}
				return k.front(t, base)
			})
			l.n, l.bad = n, n+9
			var lines strings.Builder
			for i := range n {
				key, class := "", "all"
				if vendor == "brevo" { // a key gives a message a call of its own
					key, class = fmt.Sprintf(`,"idempotency_key":"k%d"`, i), "send"
				}
				fmt.Fprintf(&lines, `{"to":[{"email":%q,"name":"U"}],"subject":"s%d","html":"<p>x</p>"%s}`+"\n", l.email(i), i, key)
				if i == 0 {
					slow := strings.Replace(l.read("postmux.json"), `"concurrency":3`, fmt.Sprintf(`"concurrency":%d,"timeout":"1h","rate_limits":{%q:"1/m"}`, n, class), 1)
					l.write("slow.json", slow)
				}
			}
			l.write("in.jsonl", lines.String())
			args := l.args()
			args[1] = l.path("slow.json")
			cmd := exec.CommandContext(t.Context(), binary, args...)
			cmd.Env = append(os.Environ(), toolEnv+"=1")
			require.NoError(t, cmd.Start())
			for len(l.sb.Messages(vendor)) == 0 {
				<-answered // one is sent; before it there may have been a token
			}
			require.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait()
			assert.Equal(t, 1, strings.Count(l.read("results.jsonl"), `"begun"`))

			r := postmux(t, l.args()...)
			if strings.Contains(r.out, "1 unknown") { // the kill was faster than its result
				assert.Contains(t, r.out, fmt.Sprintf("%d messages: %d accepted, 1 unknown\n", n, n-1))
			} else {
				assert.Contains(t, r.out, fmt.Sprintf("%d messages: 1 done before, %d accepted\n", n, n-1), r.errOut)
			}
			subjects := make(map[string]int)
			for _, m := range l.sb.Messages(vendor) {
				subjects[m.Subject]++
			}
			assert.Len(t, subjects, n)
			assert.Len(t, l.sb.Messages(vendor), n)
		})
	}
}

// Who waits for a repeat when the tool is killed, because the provider's limit kept the
// request back, is known not to be sent, and is sent by the next run.
func TestKilledWhileKeptBack(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	send := map[string]string{"pakat": "sendTransactionalEmail"}
	for _, vendor := range labVendors() {
		for _, tries := range []int{1, 4} { // the batch waits, or the call
			t.Run(fmt.Sprint(vendor, "/", tries), func(t *testing.T) {
				l := newLab(t, vendor, "batch", nil)
				one := strings.NewReplacer(`"tries":1`, fmt.Sprintf(`"tries":%d`, tries), `"concurrency":3`, `"concurrency":1`)
				l.write("postmux.json", one.Replace(l.read("postmux.json")))
				operation := cmp.Or(send[vendor], "sendEmail")
				l.sb.Fail(vendor, sandbox.Fault{Operation: operation, Status: 429, Header: http.Header{"Retry-After": {"50"}}, Times: 1000})
				cmd := exec.CommandContext(t.Context(), binary, l.args()...)
				l.write("results.jsonl", "")
				cmd.Env = append(os.Environ(), toolEnv+"=1")
				require.NoError(t, cmd.Start())
				begun := regexp.MustCompile(`"begun":\[([0-9,]+)\]`)
				for {
					text, back := l.read("results.jsonl"), 0
					for _, m := range begun.FindAllStringSubmatch(text, -1) {
						back += strings.Count(m[1], ",") + 1
					}
					if back > 0 && strings.Count(text, `"not_tried"`) == back {
						break
					}
					<-time.After(5 * time.Millisecond)
				}
				require.NoError(t, cmd.Process.Kill())
				_ = cmd.Wait()
				l.sb.Faults(vendor)

				r := postmux(t, l.args()...)
				assert.Contains(t, r.out, fmt.Sprintf("%d messages: 15 accepted, 3 refused\n", l.n), r.errOut)
				assert.Len(t, l.sb.Messages(vendor), 15)
			})
		}
	}
}

// A kill in the middle of an export to stdout leaves no contacts behind.
func TestExportToStdoutKilled(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	l := newLab(t, "brevo", "export", nil)
	for _, at := range []string{"1 before", "2 half", "3 after", "4 half", "5 after"} {
		temp := t.TempDir()
		cmd := exec.CommandContext(t.Context(), binary, "--config", l.cfg, "contacts", "export", "-", "--format", "csv")
		cmd.Env = append(os.Environ(), toolEnv+"=1", killEnv+"="+at, "TMPDIR="+temp)
		out, _ := cmd.Output() // it is killed, or done
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		assert.Empty(t, left, at)
		if cmd.ProcessState.ExitCode() == exit.Done {
			assert.Equal(t, l.n+1, bytes.Count(out, []byte("\n")))
		}
	}
}
