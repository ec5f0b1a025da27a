//go:build !race

package httpx

const raced = false
