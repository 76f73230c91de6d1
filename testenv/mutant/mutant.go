package mutant

// Try takes what is done at a position and the writer of the document so changed, which it may call before it returns, and keep what
// it writes. Whoever only counts the changes writes none.
type Try func(what string, write func() []byte)

// large is from how many octets on the kinds of change take turns: a position of a long document is changed in one way, the next in another.
const large = 100_000

// Turns hands on one change in turn of a position of a large document, and of every position for which the kinds of change take turns
// anyway; all changes of others. index is the position's.
func Turns(document []byte, index int, anyway bool, changes func(Try), try func(what string, changed []byte)) {
	if len(document) <= large && !anyway {
		changes(func(what string, write func() []byte) { try(what, write()) })
		return
	}
	n := 0
	changes(func(string, func() []byte) { n++ })
	k := 0
	changes(func(what string, write func() []byte) {
		if k == index%max(n, 1) {
			try(what, write())
		}
		k++
	})
}

const (
	listMax = 64 // entries of a list that are all changed
	listSet = 32 // entries that are changed of a longer one
)

// chosen tells whether entry i of n is changed.
func chosen(i, n int) bool {
	if n <= listMax {
		return true
	}
	return i*listSet/n != (i-1)*listSet/n || i == 0 || i == n-1
}

// splice is a document in which octets from..to are exchanged.
func splice(document []byte, from, to int, with []byte) []byte {
	out := make([]byte, 0, len(document)-(to-from)+len(with))
	out = append(out, document[:from]...)
	out = append(out, with...)
	return append(out, document[to:]...)
}

// flipped is a document in which the octet at a place is another.
func flipped(document []byte, at int, bits byte) []byte {
	out := append([]byte(nil), document...)
	out[at] ^= bits
	return out
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// another is a letter or digit in place of another one.
func another(c byte) byte {
	if d := c ^ 1; alphanumeric(d) {
		return d
	}
	return c ^ 3
}

// Large tells whether the kinds of change take turns over a document.
func Large(document []byte) bool { return len(document) > large }
