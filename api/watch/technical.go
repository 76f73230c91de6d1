package watch

import "strings"

// Technical is the detail of a condition of which a program tells: the kind of trouble, a word of ours, and what the program said.
func Technical(trouble, said string) string { return trouble + ": " + said }

// Parts are those of [Technical]. What was not made by it has no kind that anybody knows.
func Parts(detail string) (trouble, said string) {
	trouble, said, _ = strings.Cut(detail, ": ")
	return trouble, said
}
