// Package oddpages has the test of pages of contacts with an odd row, of all vendors. It
// is a package of its own because fuzzing is slow with much in one program.
package oddpages
