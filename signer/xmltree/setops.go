package xmltree

import (
	"slices"
	"sort"
)

// WithoutComments is the set without its comments. Of a whole document or a subtree it costs nothing.
func (s NodeSet) WithoutComments() NodeSet {
	if s.doc == nil || len(s.doc.comments) == 0 {
		return s
	}
	out := s
	if len(s.runs) == 1 {
		out.runs = clip(s.doc.bare, s.runs[0])
	} else {
		out.runs = intersectRuns(s.runs, s.doc.bare)
	}
	return out
}

// clip is what of ascending runs lies in one run. The result shares them where nothing is cut off.
func clip(runs []run, to run) []run {
	first := sort.Search(len(runs), func(i int) bool { return runs[i].end > to.first })
	last := first + sort.Search(len(runs)-first, func(i int) bool { return runs[first+i].first >= to.end })
	out := runs[first:last:last]
	if len(out) == 0 || out[0].first >= to.first && out[len(out)-1].end <= to.end {
		return out
	}
	out = slices.Clone(out)
	out[0].first = max(out[0].first, to.first)
	out[len(out)-1].end = min(out[len(out)-1].end, to.end)
	return out
}

// Runs is the number of unbroken stretches of nodes that the set consists of: what operations on it cost.
func (s NodeSet) Runs() int { return len(s.runs) + len(s.spaces) }

func (d *Document) commentRuns() []run {
	var runs []run
	for _, c := range d.comments {
		runs = appendRun(runs, run{c, c + 1})
	}
	return runs
}

// Union is the set of nodes that are in s or in o, which must be of one document.
func (s NodeSet) Union(o NodeSet) NodeSet {
	if s.Empty() {
		return o
	}
	if o.Empty() {
		return s
	}
	out := NodeSet{doc: s.doc, runs: uniteRuns(s.runs, o.runs), overflow: s.overflow || o.overflow}
	if !s.listed && !o.listed {
		return out
	}
	mine, cut := s.list()
	theirs, cutToo := o.list()
	out.listed, out.overflow = true, out.overflow || cut || cutToo
	out.spaces = append(mine, theirs...)
	slices.SortFunc(out.spaces, spaceNode.compare)
	out.spaces = slices.Compact(out.spaces)
	return out.unlisted()
}

// Intersect is the set of nodes that are in both.
func (s NodeSet) Intersect(o NodeSet) NodeSet {
	if s.doc != o.doc {
		return NodeSet{doc: s.doc}
	}
	out := NodeSet{doc: s.doc, runs: intersectRuns(s.runs, o.runs), overflow: s.overflow || o.overflow}
	if s.listed || o.listed {
		out.listed = true
		out.spaces = intersectSpaces(s, o)
		return out.unlisted()
	}
	return out
}

// Subtract is the set of nodes of s that are not in o.
func (s NodeSet) Subtract(o NodeSet) NodeSet {
	if s.doc != o.doc {
		return s
	}
	out := NodeSet{doc: s.doc, runs: subtractRuns(s.runs, o.runs), overflow: s.overflow || o.overflow}
	if !s.listed && (!o.listed || len(o.spaces) == 0 && !s.touchesElements(o.runs)) {
		return out
	}
	list, cut := s.list()
	out.listed, out.overflow = true, out.overflow || cut
	out.spaces = subtractSpaces(list, o)
	return out.unlisted()
}

func (s NodeSet) touchesElements(runs []run) bool {
	for _, r := range intersectRuns(s.runs, runs) {
		for i := r.first; i < r.end; i++ {
			if s.doc.records[i].kind == Element {
				return true
			}
		}
	}
	return false
}

// list names the namespace nodes of a set one by one; cut tells that there were more than maxListed.
func (s NodeSet) list() (out []spaceNode, cut bool) {
	if s.listed || s.doc == nil {
		return slices.Clone(s.spaces), false
	}
	for _, r := range s.runs {
		for i := r.first; i < r.end; i++ {
			if s.doc.records[i].kind != Element {
				continue
			}
			if len(out) >= maxListed {
				return out, true
			}
			start := len(out)
			s.doc.inForce(s.doc.records[i].scope, func(decl int32) bool {
				out = append(out, spaceNode{i, decl})
				return true
			})
			slices.SortFunc(out[start:], spaceNode.compare)
		}
	}
	return out, false
}

func intersectSpaces(s, o NodeSet) (out []spaceNode) {
	if !s.listed {
		s, o = o, s
	}
	for _, n := range s.spaces {
		if o.Has(Node{o.doc, n.element, n.decl + 1}) {
			out = append(out, n)
		}
	}
	return out
}

func subtractSpaces(list []spaceNode, o NodeSet) (out []spaceNode) {
	for _, n := range list {
		if !o.Has(Node{o.doc, n.element, n.decl + 1}) {
			out = append(out, n)
		}
	}
	return out
}

func uniteRuns(a, b []run) (out []run) {
	for len(a) > 0 && len(b) > 0 {
		if a[0].first <= b[0].first {
			out, a = appendRun(out, a[0]), a[1:]
		} else {
			out, b = appendRun(out, b[0]), b[1:]
		}
	}
	for _, r := range a {
		out = appendRun(out, r)
	}
	for _, r := range b {
		out = appendRun(out, r)
	}
	return out
}

func intersectRuns(a, b []run) (out []run) {
	for len(a) > 0 && len(b) > 0 {
		if r := (run{max(a[0].first, b[0].first), min(a[0].end, b[0].end)}); r.first < r.end {
			out = append(out, r)
		}
		if a[0].end < b[0].end {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

func subtractRuns(a, b []run) (out []run) {
	for _, r := range a {
		for len(b) > 0 && b[0].end <= r.first {
			b = b[1:]
		}
		for _, cut := range b {
			if cut.first >= r.end {
				break
			}
			if cut.first > r.first {
				out = append(out, run{r.first, cut.first})
			}
			r.first = max(r.first, cut.end)
		}
		if r.first < r.end {
			out = append(out, r)
		}
	}
	return out
}

// HasComments tells whether the set holds a comment.
func (s NodeSet) HasComments() bool {
	for _, r := range s.runs {
		i, _ := slices.BinarySearch(s.doc.comments, r.first)
		if i < len(s.doc.comments) && s.doc.comments[i] < r.end {
			return true
		}
	}
	return false
}
