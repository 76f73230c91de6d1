// Package watch remembers what the gateway has seen of its own health: incidents, with what people did about them, and how long
// requests took, minute by minute.
//
// A condition, such as a silent bank, is what a process sees now; an incident is a row that begins when any process first sees a
// condition and ends once none has seen it for [Lapse]. No process has to live on to end it: the end is the last time that somebody saw it.
// While the database itself is away, a [Watcher] keeps what it sees and tells it afterwards, with its true beginning.
//
// Times of requests are counted in buckets of a fixed scale ([Bounds]), which add up over minutes and processes; percentiles are read
// from the sums and are off by a tenth at most.
package watch
