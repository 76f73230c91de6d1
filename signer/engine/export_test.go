package engine

import "time"

// Until is the trust with all anchors trusted until a time, as those of a list may be.
func (t *Trust) Until(end time.Time) *Trust {
	for i := range t.anchors {
		t.anchors[i].NotAfter = end
	}
	return t
}
