package provider

// Operations are the rows of the table of operations: what an error says was done,
// empty for an operation that reads.
func Operations() map[Op]string {
	out := make(map[Op]string)
	for _, o := range operations {
		out[o.op] = o.verb
	}
	return out
}
