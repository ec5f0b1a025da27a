package sandbox

import (
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
)

// spMostAtOnce is the most addresses that a look-up and an add take. The vendor
// states no number; this one lets tests reach the error.
const spMostAtOnce = 1000

// listMembershipsOfAddresses returns the lists of addresses, by address, in rows
// without the address. The documents do not say whether an address on no list is
// included; here it is, with an empty list.
func (p *sendpulse) listMembershipsOfAddresses(c *call) answer {
	var req sendpulseapi.Addresses
	c.decode(&req)
	switch {
	case len(req.Emails) == 0:
		return p.invalid(spBadEmails, "No emails")
	case len(req.Emails) > spMostAtOnce:
		return p.invalid(422, "Limit is exceeded")
	}
	out := map[string]any{}
	for _, email := range req.Emails {
		rows := []any{}
		if person := p.contact(email); person != nil {
			for _, m := range person.members {
				list, _ := strconv.ParseInt(m.list, 10, 64)
				rows = append(rows, map[string]any{
					"book_id": list, "status": p.statusOf(person, m), "variables": p.variablesOf(m),
				})
			}
		}
		out[email] = rows
	}
	return answer{status: 200, body: out}
}
