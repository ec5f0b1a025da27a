// Package faults holds tests that send a lot of mail through whole clients at a
// vendor that fails, and compare what each client says with what the vendor did.
package faults
