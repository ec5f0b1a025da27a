package brevo

func (a *adapter) inTests() { a.api.ListFeeds() }
