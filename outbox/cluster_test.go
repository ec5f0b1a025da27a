//go:build unix

package outbox

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cluster is a server of PostgreSQL that a test stops, starts and promotes.
type cluster struct {
	t    testing.TB
	bin  string
	dir  string
	port int
	cred *syscall.Credential
	args []string

	in  io.Closer // the server ends with it
	cmd *exec.Cmd
	log string
}

// initdbPath finds the programs of PostgreSQL.
func initdbPath() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real // the other programs are beside it
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is a constant
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) })
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// newCluster makes an empty server, which is not started, or skips the test.
func newCluster(t testing.TB, args ...string) *cluster {
	t.Helper()
	initdb := initdbPath()
	if initdb == "" {
		t.Skip("initdb is not installed")
	}
	c := &cluster{t: t, bin: filepath.Dir(initdb), args: args}
	if os.Getuid() == 0 { // the server refuses to run as root
		account, err := user.Lookup("postgres")
		if err != nil {
			account, err = user.Lookup("nobody")
		}
		if err != nil {
			t.Skip("there is no user postgres or nobody to run a server as")
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		require.NoError(t, err)
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		require.NoError(t, err)
		c.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	c.newDir()
	c.run("initdb", "-D", c.dir, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
	return c
}

// newDir makes the folder of the server, which its user must reach.
func (c *cluster) newDir() {
	c.t.Helper()
	top, err := os.MkdirTemp("", "postmux-pg")
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = os.RemoveAll(top) })
	require.NoError(c.t, os.Chmod(top, 0o755))
	c.dir = filepath.Join(top, "d")
	require.NoError(c.t, os.Mkdir(c.dir, 0o700))
	if c.cred != nil {
		require.NoError(c.t, os.Chown(c.dir, int(c.cred.Uid), int(c.cred.Gid)))
	}
	c.port = freePort(c.t)
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	return cmd
}

// run runs a program of PostgreSQL to its end.
func (c *cluster) run(program string, args ...string) {
	c.t.Helper()
	out, err := c.command(c.t.Context(), filepath.Join(c.bin, program), args...).CombinedOutput()
	require.NoError(c.t, err, "%s %s: %s", program, args, out)
}

// standby makes a server that follows this one, by way of a port.
func (c *cluster) standby(port string) *cluster {
	c.t.Helper()
	s := &cluster{t: c.t, bin: c.bin, cred: c.cred, args: c.args}
	s.newDir()
	s.run("pg_basebackup", "-D", s.dir, "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-R", "-c", "fast", "-X", "stream")
	return s
}

// start starts the server. It ends with the process of the test, whatever becomes of that.
func (c *cluster) start() {
	c.t.Helper()
	args := append([]string{
		"-c", `"$0" "$@" & pid=$!; cat >/dev/null; kill -QUIT $pid; wait $pid`, filepath.Join(c.bin, "postgres"), "-D", c.dir,
		"-p", strconv.Itoa(c.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "log_line_prefix=%m [%p] ",
	}, c.args...)
	c.cmd = c.command(context.WithoutCancel(c.t.Context()), "sh", args...)
	in, err := c.cmd.StdinPipe()
	require.NoError(c.t, err)
	c.in = in
	log, err := os.CreateTemp(c.t.TempDir(), "log")
	require.NoError(c.t, err)
	defer log.Close()
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.log = log.Name()
	require.NoError(c.t, c.cmd.Start())
	c.t.Cleanup(c.stop)
	db, err := sql.Open("pgx", c.url())
	require.NoError(c.t, err)
	defer db.Close()
	for range 600 {
		if err = db.PingContext(c.t.Context()); err == nil {
			return
		}
		pause(c.t.Context(), 25*time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	require.NoError(c.t, err, string(text))
}

// stop stops the server at once, as a crash of it does: what it has not written is lost.
func (c *cluster) stop() {
	if c.in == nil {
		return
	}
	_ = c.in.Close()
	_ = c.cmd.Wait() // it was killed
	c.in = nil
}

func (c *cluster) promote() {
	c.t.Helper()
	c.run("pg_ctl", "promote", "-D", c.dir, "-w", "-t", "30")
}

func (c *cluster) addr() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

func (c *cluster) url() string { return databaseURL(c.addr()) }

func databaseURL(addr string) string {
	return "postgres://postgres@" + addr + "/postgres?sslmode=disable&connect_timeout=5"
}

// sqlProxy is between clients and a server of PostgreSQL. It cuts connections right after a
// COMMIT was passed on: nobody knows whether that was done.
type sqlProxy struct {
	listener net.Listener
	target   atomic.Value // address
	one      atomic.Int64 // one COMMIT in so many; 0: none
	next     atomic.Bool  // the next COMMIT
	cuts     atomic.Int64
	raw      bool        // it does not look for COMMIT; for clients that speak first of TLS
	frozen   atomic.Bool // nothing comes back from the server

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newSQLProxy(t testing.TB, target string) *sqlProxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &sqlProxy{listener: l, conns: make(map[net.Conn]bool)}
	p.target.Store(target)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.drop()
		all.Wait()
	})
	return p
}

func (p *sqlProxy) url() string { return databaseURL(p.listener.Addr().String()) }

func (p *sqlProxy) port() string { return strconv.Itoa(p.listener.Addr().(*net.TCPAddr).Port) }

// drop closes all connections.
func (p *sqlProxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *sqlProxy) serve(client net.Conn) {
	// A server that stops waits for a client that has connected and hears nothing.
	if p.frozen.Load() {
		_ = client.Close()
		return
	}
	server, err := (&net.Dialer{Timeout: time.Second}).Dial("tcp", p.target.Load().(string))
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	end := func() {
		_ = client.Close()
		_ = server.Close()
	}
	both.Go(func() {
		defer end()
		p.back(client, server)
	})
	both.Go(func() {
		if p.forward(client, server) { // the server reads it to the end, and finds nobody to tell
			_ = client.Close()
			_ = server.(*net.TCPConn).CloseWrite()
			return
		}
		end()
	})
	both.Wait()
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

// back passes on what the server says. What comes while the cutter is frozen is lost.
func (p *sqlProxy) back(client io.Writer, server io.Reader) {
	part := make([]byte, 32<<10)
	for {
		n, err := server.Read(part)
		if n > 0 && !p.frozen.Load() {
			if _, failed := client.Write(part[:n]); failed != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// forward passes the messages of a client on, and reports whether it ended behind a COMMIT.
func (p *sqlProxy) forward(client io.ReadCloser, server io.Writer) (cut bool) {
	if p.raw {
		_, _ = io.Copy(server, client)
		return false
	}
	in := bufio.NewReaderSize(client, 64<<10)
	head := make([]byte, 4) // the first message has no letter
	letter := byte(0)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return false
		}
		message := make([]byte, binary.BigEndian.Uint32(head))
		copy(message, head)
		if _, err := io.ReadFull(in, message[4:]); err != nil {
			return false
		}
		commit := letter == 'Q' && strings.HasPrefix(strings.ToLower(string(message[4:])), "commit")
		one := p.one.Load()
		cut = commit && (p.next.CompareAndSwap(true, false) || one > 0 && rand.Int64N(one) == 0)
		if cut {
			p.cuts.Add(1)
			_ = client.Close() // first, so that no answer gets through
		}
		if letter != 0 {
			message = append([]byte{letter}, message...)
		}
		if _, err := server.Write(message); err != nil {
			return false
		}
		if cut {
			return true
		}
		var err error
		if letter, err = in.ReadByte(); err != nil {
			return false
		}
	}
}

// A server starts, loses its connections when it is stopped, and has after the next start
// what it had confirmed; a connection that is cut behind a COMMIT leaves no doubt on the
// server.
func TestCluster(t *testing.T) {
	t.Parallel() // it waits
	c := newCluster(t, "-c", "fsync=off")
	c.start()
	p := newSQLProxy(t, c.addr())
	db, err := sql.Open("pgx", p.url())
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "create table t (n int)")
	require.NoError(t, err)
	p.one.Store(1)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "insert into t values (1)")
	require.NoError(t, err)
	require.Error(t, tx.Commit(), "the answer was cut off")
	require.EqualValues(t, 1, p.cuts.Load())
	p.one.Store(0)
	var n int
	require.Eventually(t, func() bool {
		return db.QueryRowContext(t.Context(), "select count(*) from t").Scan(&n) == nil && n == 1
	}, 10*time.Second, 10*time.Millisecond, "it was done")
	c.stop()
	require.Error(t, db.PingContext(t.Context()))
	c.start()
	require.NoError(t, db.QueryRowContext(t.Context(), "select count(*) from t").Scan(&n))
	require.Equal(t, 1, n, fmt.Sprint(c.cmd.Args))
}

// A claim whose answer is cut off is given back by the worker that lives on.
func TestClaimWithoutAnswer(t *testing.T) {
	t.Parallel() // it waits
	c := newCluster(t, "-c", "fsync=off")
	c.start()
	p := newSQLProxy(t, c.addr())
	spec := childSpec{Driver: "pgx", Database: p.url()}
	s, err := spec.store()
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	require.NoError(t, s.Migrate(t.Context()))
	v := newVendor()
	b := open(t, s, map[string]*vendor{"main": v}, func(cfg *Config) { cfg.Hooks = Hooks{} })
	id, err := b.Enqueue(t.Context(), mail("one"), nil)
	require.NoError(t, err)
	p.next.Store(true)
	_, err = b.Process(t.Context(), id)
	require.Error(t, err, "the answer to the claim was cut off")
	require.Eventually(t, func() bool {
		e, err := b.Process(t.Context(), id)
		return err == nil && e.State == Accepted
	}, 10*time.Second, 50*time.Millisecond, "the same worker has it again")
	require.Equal(t, 1, v.count("one"))
}
