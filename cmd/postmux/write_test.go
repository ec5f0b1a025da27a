package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

type brokenWriter struct{}

func TestCannotWrite(t *testing.T) {
	var errOut errBuffer
	code := run(t.Context(), []string{"version"}, nil, brokenWriter{}, &errOut)
	assert.Equal(t, exit.Bug, code)
	assert.Equal(t, "postmux: cannot write the output: no space left\n", errOut.text)
}

type errBuffer struct{ text string }

func (b *errBuffer) Write(p []byte) (int, error) {
	b.text += string(p)
	return len(p), nil
}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }
