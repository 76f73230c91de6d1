package payment

import "sync"

// pool bounds the jobs that run at once. A slow job holds one slot and nothing else.
type pool struct {
	slots chan struct{}
	group sync.WaitGroup
	// freed is called after each job.
	freed func()
}

func newPool(size int, freed func()) *pool {
	return &pool{slots: make(chan struct{}, size), freed: freed}
}

// free is the number of jobs that may start. Only the one worker that starts jobs asks, so the number can only grow
// until it does.
func (p *pool) free() int { return cap(p.slots) - len(p.slots) }

// start runs a job in a free slot.
func (p *pool) start(job func()) {
	p.slots <- struct{}{}
	p.group.Go(func() {
		defer p.freed()
		defer func() { <-p.slots }()
		job()
	})
}

// wait returns when no job runs.
func (p *pool) wait() { p.group.Wait() }
