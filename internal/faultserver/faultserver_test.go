package faultserver

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func request(n int) string {
	body := `{"subject":"` + ID(n) + `"}`
	return fmt.Sprintf("POST /send HTTP/1.1\r\nHost: vendor\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// exchange writes text, half-closes and returns the answer.
func exchange(t *testing.T, s *Server, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(t, err)
	defer c.Close()
	_, _ = io.WriteString(c, text) // the server may be gone already
	_ = c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	return string(answer)
}

// Only the last byte makes a request one that has arrived.
func TestWholeRequestsCount(t *testing.T) {
	s, err := Start(Config{})
	require.NoError(t, err)
	defer s.Close()
	for cut := range len(request(1)) {
		assert.Empty(t, exchange(t, s, request(1)[:cut]))
	}
	assert.Contains(t, exchange(t, s, request(2)+request(3)), "201 Created")
	s.Settle()
	assert.Zero(t, s.Received(ID(1)))
	assert.Equal(t, 1, s.Received(ID(2)))
	assert.Equal(t, 1, s.Accepted(ID(3)))
	assert.Equal(t, 2, s.Total())
}

func TestFaultsOnTheWire(t *testing.T) {
	whole := len(request(1))
	for _, row := range []struct {
		name               string
		fault              Fault
		answer             string // what it starts with
		received, accepted int
	}{
		{"none", Fault{}, "HTTP/1.1 201 Created\r\n", 1, 1},
		{"close at accept", Fault{Kind: CloseAtAccept}, "", 0, 0},
		{"cut before the end", Fault{Kind: Cut, After: whole - 1}, "", 0, 0},
		{"cut that comes too late", Fault{Kind: Cut, After: whole}, "HTTP/1.1 201", 1, 1},
		{"half a status line", Fault{Kind: HalfStatus}, "HTTP/1.1 20", 1, 1},
		{"reset", Fault{Kind: ResetAnswer}, "", 1, 1},
		{"500 after the work", Fault{Kind: Status, Reply: Reply{Status: 500}}, "HTTP/1.1 500", 1, 1},
		{"503 before the work", Fault{Kind: Status, Refuse: true, Reply: Reply{Status: 503}}, "HTTP/1.1 503", 1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := Start(Config{Plan: func(fresh bool) Fault {
				if !fresh {
					return Fault{}
				}
				return row.fault
			}})
			require.NoError(t, err)
			defer s.Close()
			answer := exchange(t, s, request(1))
			s.Settle()
			assert.True(t, strings.HasPrefix(answer, row.answer) && (answer == "") == (row.answer == ""), answer)
			assert.Equal(t, row.received, s.Received(ID(1)))
			assert.Equal(t, row.accepted, s.Accepted(ID(1)))
		})
	}
}

// A key is used up by what is carried out, and by nothing else.
func TestKeys(t *testing.T) {
	var later atomic.Bool
	s, err := Start(Config{
		Key:       func(body []byte) string { return string(body) },
		Duplicate: Reply{Status: http.StatusConflict},
		Plan: func(bool) Fault {
			if later.Swap(true) {
				return Fault{}
			}
			return Fault{Kind: Status, Reply: Reply{Status: 503}, Refuse: true}
		},
	})
	require.NoError(t, err)
	defer s.Close()
	assert.Contains(t, exchange(t, s, request(1)), " 503 ")
	assert.Contains(t, exchange(t, s, request(1)), " 201 ")
	assert.Contains(t, exchange(t, s, request(1)), " 409 ")
	assert.Equal(t, 1, s.Accepted(ID(1)))
}
