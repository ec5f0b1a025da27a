//go:build !race

package brevo_test

const raceEnabled = false
