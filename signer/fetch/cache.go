package fetch

import (
	"container/list"
	"sync"
	"time"
)

// entryBytes is what an entry costs beside its body.
const entryBytes = 512

// cache keeps objects by key until their time ends, the least recently used leaving first when the bytes
// run out.
type cache struct {
	mu       sync.Mutex
	bytesMax int64
	bytes    int64
	order    *list.List // of *entry, most recently used in front
	entries  map[string]*list.Element
}

type entry struct {
	key    string
	object *Object
	until  time.Time
}

func (e *entry) size() int64 { return int64(len(e.object.Body)+len(e.key)) + entryBytes }

func newCache(bytesMax int64) *cache {
	return &cache{bytesMax: bytesMax, order: list.New(), entries: map[string]*list.Element{}}
}

// get returns the object under key if its time has not ended by now.
func (c *cache) get(key string, now time.Time) *Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.entries[key]
	if !ok {
		return nil
	}
	e := entryOf(el)
	if !now.Before(e.until) {
		c.drop(el)
		return nil
	}
	c.order.MoveToFront(el)
	return e.object
}

func (c *cache) put(key string, o *Object, until time.Time) {
	e := &entry{key: key, object: o, until: until}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok {
		c.drop(el)
	}
	if e.size() > c.bytesMax {
		return
	}
	c.entries[key] = c.order.PushFront(e)
	c.bytes += e.size()
	for c.bytes > c.bytesMax {
		c.drop(c.order.Back())
	}
}

// remove forgets key if it still holds o.
func (c *cache) remove(key string, o *Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok && entryOf(el).object == o {
		c.drop(el)
	}
}

func (c *cache) drop(el *list.Element) {
	e := entryOf(el)
	c.order.Remove(el)
	delete(c.entries, e.key)
	c.bytes -= e.size()
}

func entryOf(el *list.Element) *entry {
	return el.Value.(*entry) //nolint:errcheck,forcetypeassert // put alone fills the list
}
