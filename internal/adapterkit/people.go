package adapterkit

import (
	"hash/maphash"
	"sync"

	"github.com/postmux/postmux/internal/mailaddr"
)

// People knows, in eight bytes each, which identifiers belong to which address: phone
// numbers and ids by which a provider tells contacts apart. Two that share a sum are
// taken for one: an identifier that is not seen then looks like another's, which
// costs a look and does no harm; one that is seen, like one's own, by a chance of one
// in 2^28. The zero value is ready for use, by several goroutines.
type People struct {
	mu     sync.Mutex
	seed   maphash.Seed
	shards [256][]uint64 // of the sums with the same first byte, by open addressing
	used   [256]int
}

// whose are the bits of a sum that stand for the address, the others for the identifier.
const whose = 1<<28 - 1

// Add notes that the identifier, such as "phone 989121234567", belongs to the address.
func (p *People) Add(identifier, email string) { p.look(identifier, email, true) }

// Another reports whether the identifier belongs to another address too, or alone.
func (p *People) Another(identifier, email string) bool {
	return p.look(identifier, email, false)
}

// Claim is Another, and Add when it does not.
func (p *People) Claim(identifier, email string) (another bool) {
	if p.Another(identifier, email) {
		return true
	}
	p.Add(identifier, email)
	return false
}

func (p *People) look(identifier, email string, add bool) (another bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seed == (maphash.Seed{}) {
		p.seed = maphash.MakeSeed()
	}
	id := maphash.String(p.seed, identifier) &^ whose
	sum := id | max(1, maphash.String(p.seed, mailaddr.Key(email))&whose)
	shard := id >> 56
	if add && 4*(p.used[shard]+1) > 3*len(p.shards[shard]) {
		p.grow(shard)
	}
	slots := p.shards[shard]
	if len(slots) == 0 {
		return false
	}
	for at := place(id, len(slots)); slots[at] != 0; at = (at + 1) % len(slots) {
		switch {
		case slots[at] == sum && add:
			return false
		case slots[at] != sum && slots[at]&^whose == id && !add:
			return true
		}
	}
	if add {
		p.put(shard, sum)
	}
	return false
}

// grow makes room in a shard by a half. All shards together never need twice their
// memory at a time, as one table would.
func (p *People) grow(shard uint64) {
	old := p.shards[shard]
	p.shards[shard], p.used[shard] = make([]uint64, len(old)*3/2+8), 0
	for _, sum := range old {
		if sum != 0 {
			p.put(shard, sum)
		}
	}
}

func (p *People) put(shard, sum uint64) {
	slots := p.shards[shard]
	at := place(sum&^whose, len(slots))
	for slots[at] != 0 {
		at = (at + 1) % len(slots)
	}
	slots[at] = sum
	p.used[shard]++
}

// place is where a search for an identifier begins.
func place(id uint64, slots int) int { return int((id >> 28 & (1<<28 - 1)) % uint64(slots)) }
