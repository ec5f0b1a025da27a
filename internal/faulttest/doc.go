// Package faulttest sends mail through TCP faults made by toxiproxy. It is a
// module of its own, so that nobody who uses the library gets toxiproxy's
// dependencies.
package faulttest
