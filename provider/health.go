package provider

// Health is the result of Client.Check.
type Health struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	Login    string   `json:"login,omitempty"` // the owner of the account; empty when the provider does not report it
	Senders  []Sender `json:"senders,omitempty"`
	Quotas   []Quota  `json:"quotas,omitempty"`
	Notes    []Note   `json:"notes,omitempty"`
}

// Sender is an address the account may send from.
type Sender struct {
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Verified bool   `json:"verified"` // mail from it is accepted
}

// Quota is one allowance of the account. Left and Used are texts because providers
// mix numbers, percentages and words; empty means not reported.
type Quota struct {
	Name string `json:"name"` // as the provider names it
	Left string `json:"left,omitempty"`
	Used string `json:"used,omitempty"`
}
