package sandbox

import (
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
)

// spMostAtOnce is how many addresses a look-up and an add take. The vendor names
// no number; with this one, callers meet a refusal of too many.
const spMostAtOnce = 1000

// listMembershipsOfAddresses tells where addresses are, by address, in rows
// without the address. Whether one that is on no list is named is not documented;
// here it is, with an empty list.
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
					"book_id": mixed(list), "status": mixed(int64(p.statusOf(person, m))), "variables": p.variablesOf(m),
				})
			}
		}
		out[email] = rows
	}
	return answer{status: 200, body: out}
}
