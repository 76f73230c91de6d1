package trust

// Mode says which of the shipped authorities a Store holds.
type Mode string

// Modes of a Store.
const (
	// Production: the root authorities of Kazakhstan and the authorities below them.
	Production Mode = "production"
	// Test: the test authorities of the national CA. Verdicts made with such a store say so.
	Test Mode = "test"
	// Custom: nothing that is shipped, only what Config names.
	Custom Mode = "custom"
)

// Store is an immutable set of anchors and intermediate authorities.
type Store struct{ mode Mode }

// Mode tells which authorities the store was made of.
func (s *Store) Mode() Mode { return s.mode }
