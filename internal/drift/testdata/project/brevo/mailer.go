// Package brevo shows the ways in which adapters call the generated client.
package brevo

func (a *adapter) send() { a.api.SendEmail() }

func status(a *adapter) { look(a.api.GetScheduledEmailStatus) }
