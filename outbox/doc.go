// Package outbox keeps mail in a database until it is sent: accepted once, sent once, by many
// workers on many hosts.
package outbox
