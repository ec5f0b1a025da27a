package provider

// Health is what Check found.
type Health struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	Login    string   `json:"login,omitempty"` // whose account it is, as far as the provider tells
	Senders  []Sender `json:"senders,omitempty"`
	Quotas   []Quota  `json:"quotas,omitempty"`
	Notes    []Note   `json:"notes,omitempty"`
}

// Sender is an address the account may send from.
type Sender struct {
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Verified bool   `json:"verified"`
}

// Quota is one allowance of the account. Left and Used are texts because
// providers mix numbers, percentages and words; empty means not told.
type Quota struct {
	Name string `json:"name"`
	Left string `json:"left,omitempty"`
	Used string `json:"used,omitempty"`
}
