package brevo

func verbs(api *client) { api.DeleteList() }
