package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCompare(t *testing.T) {
	const old = "go1.26.8, linux/amd64. It has 5 000 000 bytes.\n\n| a | 3 | 2 | 1 000 000 |\n"
	for _, tc := range []struct{ what, now, want string }{
		{"the same", old, ""},
		{"another Go, a little larger", "go1.27.0, linux/arm64. It has 5 400 000 bytes.\n\n| a | 3 | 2 | 1 090 000 |\n", ""},
		{"much larger", "go1.26.8, linux/amd64. It has 5 000 000 bytes.\n\n| a | 3 | 2 | 1 200 000 |\n", "says 1 000 000 bytes, and now it is 1 200 000"},
		{"much smaller", "go1.26.8, linux/amd64. It has 5 000 000 bytes.\n\n| a | 3 | 2 | 800 000 |\n", "and now it is 800 000"},
		{"one module more", "go1.26.8, linux/amd64. It has 5 000 000 bytes.\n\n| a | 4 | 2 | 1 000 000 |\n", "make consumer"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			err := compare(old, tc.now)
			if tc.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		assert.Equal(t, want, thousands(n))
	}
}
