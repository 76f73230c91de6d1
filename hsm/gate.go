package hsm

import "sync"

// gate lets calls into a library, and lets one caller at a time have the library to itself: C_Finalize pulls the
// ground from under every call in flight, so it waits outside until they have left.
type gate struct {
	mu     sync.Mutex
	inside int           // calls in the library
	shut   chan struct{} // not nil while shut; closed when it opens again
	idle   chan struct{} // closed when the last call has left; set while somebody waits for that
}

// enter waits until the gate is open and counts the caller in. It is false when gone was closed first.
func (g *gate) enter(gone <-chan struct{}) bool {
	for {
		g.mu.Lock()
		shut := g.shut
		if shut == nil {
			g.inside++
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		select {
		case <-shut:
		case <-gone:
			return false
		}
	}
}

// leave counts the caller out.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// close shuts the gate and waits until everybody has left. It is false, with the gate open again, when gone was closed
// first: a call that never returns must not keep the others out.
func (g *gate) close(gone <-chan struct{}) bool {
	for {
		g.mu.Lock()
		if g.shut == nil {
			break
		}
		shut := g.shut
		g.mu.Unlock()
		select {
		case <-shut:
		case <-gone:
			return false
		}
	}
	g.shut = make(chan struct{})
	if g.inside == 0 {
		g.mu.Unlock()
		return true
	}
	idle := make(chan struct{})
	g.idle = idle
	g.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-gone:
		g.open()
		return false
	}
}

// open undoes close.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
	g.idle = nil
}
