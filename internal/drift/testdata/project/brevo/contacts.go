package brevo

func (a *adapter) list() { a.api.ListContacts() }
