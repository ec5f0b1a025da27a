package adapterkit

// Shared keeps what rows of an import that may share a call have in common, so that
// they hold one value and one key. The zero value is ready for use, by one goroutine.
type Shared[T any] struct {
	key  string
	last *T
}

// Of returns the key and value of the row before when it had the same key, else key
// and value.
func (s *Shared[T]) Of(key string, value T) (string, *T) {
	if s.last == nil || s.key != key {
		v := value
		s.key, s.last = key, &v
	}
	return s.key, s.last
}
